#include "shrink.h"

#include <stdio.h>

typedef struct {
  const uint8_t *bytes;
  size_t count, place;
} text;

// The next number of a header or of a plain raster; -1 if there is none, or it is beyond every use.
static int64_t number(text *t) {
  while (t->place < t->count) {
    const uint8_t c = t->bytes[t->place];
    if (c == '#') {
      while (t->place < t->count && t->bytes[t->place] != '\n') t->place++;
    } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
      t->place++;
    } else {
      break;
    }
  }
  if (t->place >= t->count) return -1;
  int64_t value = -1;
  while (t->place < t->count && t->bytes[t->place] >= '0' && t->bytes[t->place] <= '9') {
    value = (value < 0 ? 0 : value) * 10 + (t->bytes[t->place++] - '0');
    if (value > INT32_MAX) return -1;
  }
  return value;
}

// A pixel of a plain bitmap: one digit, which nothing need part from the next.
static int bit(text *t) {
  while (t->place < t->count) {
    const uint8_t c = t->bytes[t->place++];
    if (c == '0' || c == '1') return c - '0';
    if (c != ' ' && !(c >= '\t' && c <= '\r')) break;
  }
  return -1;
}

// The formats P1 to P6 as their manual pages (pbm(5), pgm(5), ppm(5)) tell.
cpictures_outcome decode_netpbm(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, char *message) {
  text t = {bytes, count, 2};
  const int kind = bytes[1] - '0';
  const int plain = kind <= 3, bitmap = kind == 1 || kind == 4, colour = kind == 3 || kind == 6;
  const int64_t width = number(&t), height = number(&t);
  const int64_t most = bitmap ? 1 : number(&t);
  if (width < 0 || height < 0 || most < 1 || most > 65535) {
    snprintf(message, CPICTURES_MESSAGE, "its header is damaged");
    return CPICTURES_DAMAGED;
  }
  cpictures_outcome outcome = check_size(width, height, limit, message);
  if (outcome != CPICTURES_DONE) return outcome;
  t.place++;  // One blank parts the header from the raster.
  const int channels = colour ? 3 : 1, wide = most > 255 ? 2 : 1;
  const int64_t row_bytes = bitmap ? (width + 7) / 8 : width * channels * wide;
  if (!plain && (t.place > count || (int64_t)((count - t.place) / (size_t)row_bytes) < height)) {
    snprintf(message, CPICTURES_MESSAGE, "it ends early");
    return CPICTURES_DAMAGED;
  }
  shrink picked;
  if (!shrink_begin(&picked, (int32_t)width, (int32_t)height, kept)) return CPICTURES_NO_MEMORY;
  for (int64_t y = 0; y < height; y++) {
    const uint8_t *row = plain ? NULL : bytes + t.place + (size_t)(y * row_bytes);
    for (int64_t x = 0; x < width; x++) {
      int v[3];
      for (int c = 0; c < channels; c++) {
        int64_t value;
        if (plain) {
          value = bitmap ? bit(&t) : number(&t);
        } else if (bitmap) {
          value = row[x / 8] >> (7 - x % 8) & 1;
        } else {
          const uint8_t *p = row + (x * channels + c) * wide;
          value = wide == 1 ? p[0] : p[0] << 8 | p[1];
        }
        if (value < 0 || value > most) {
          shrink_abandon(&picked);
          snprintf(message, CPICTURES_MESSAGE, "row %lld is damaged or missing", (long long)y);
          return CPICTURES_DAMAGED;
        }
        // In bitmaps 1 is black.
        v[c] = bitmap ? (value ? 0 : 255) : (int)((value * 255 + most / 2) / most);
      }
      shrink_add(&picked, (int32_t)x, (int32_t)y, v[0], v[colour ? 1 : 0], v[colour ? 2 : 0], 255);
    }
  }
  return shrink_end(&picked, picture) ? CPICTURES_DONE : CPICTURES_NO_MEMORY;
}
