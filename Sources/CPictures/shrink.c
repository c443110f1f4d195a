#include "shrink.h"

#include <libexif/exif-data.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool shrink_begin(shrink *s, int32_t width, int32_t height, int64_t kept) {
  s->full_width = width;
  s->full_height = height;
  s->factor = 1;
  while ((int64_t)(width / s->factor) * (height / s->factor) > kept && s->factor < 16) s->factor++;
  s->width = (width + s->factor - 1) / s->factor;
  s->height = (height + s->factor - 1) / s->factor;
  s->sums = calloc((size_t)s->width * (size_t)s->height, 4 * sizeof(uint16_t));
  return s->sums != NULL;
}

void shrink_row(shrink *s, int32_t y, const uint8_t *row, int channels) {
  for (int32_t x = 0; x < s->full_width; x++, row += channels) {
    switch (channels) {
    case 1: shrink_add(s, x, y, row[0], row[0], row[0], 255); break;
    case 2: shrink_add(s, x, y, row[0], row[0], row[0], row[1]); break;
    case 3: shrink_add(s, x, y, row[0], row[1], row[2], 255); break;
    default: shrink_add(s, x, y, row[0], row[1], row[2], row[3]);
    }
  }
}

bool shrink_end(shrink *s, cpictures_picture *picture) {
  const size_t count = (size_t)s->width * (size_t)s->height;
  picture->pixels = malloc(count * 3);
  if (picture->pixels == NULL) {
    shrink_abandon(s);
    return false;
  }
  picture->width = s->width;
  picture->height = s->height;
  picture->full_width = s->full_width;
  picture->full_height = s->full_height;

  // Light ink on a transparent ground would vanish on white.
  uint64_t ink = 0, opaque = 0, whole = 0;
  const uint64_t block = (uint64_t)s->factor * (uint64_t)s->factor * 255;
  for (size_t i = 0; i < count; i++) {
    const uint16_t *sum = s->sums + i * 4;
    ink += (uint64_t)sum[0] + sum[1] + sum[2];
    opaque += sum[3];
    whole += block;
  }
  const bool on_black = opaque < whole / 2 && ink > 3 * opaque / 4 * 3;

  for (int32_t y = 0; y < s->height; y++) {
    const int32_t rows = y + 1 < s->height ? s->factor : s->full_height - y * s->factor;
    for (int32_t x = 0; x < s->width; x++) {
      const int32_t columns = x + 1 < s->width ? s->factor : s->full_width - x * s->factor;
      const uint32_t pixels = (uint32_t)(rows * columns);
      const size_t i = (size_t)y * (size_t)s->width + (size_t)x;
      const uint16_t *sum = s->sums + i * 4;
      const uint32_t ground = on_black ? 0 : 255 * pixels - sum[3];
      for (int c = 0; c < 3; c++) {
        picture->pixels[i * 3 + (size_t)c] = (uint8_t)((sum[c] + ground + pixels / 2) / pixels);
      }
    }
  }
  shrink_abandon(s);
  return true;
}

void shrink_abandon(shrink *s) {
  free(s->sums);
  s->sums = NULL;
}

cpictures_outcome check_size(int64_t width, int64_t height, int64_t limit, char *message) {
  if (width < 1 || height < 1) {
    snprintf(message, CPICTURES_MESSAGE, "it has %lld × %lld pixels", (long long)width, (long long)height);
    return CPICTURES_DAMAGED;
  }
  if (width > INT32_MAX / 8 || height > INT32_MAX / 8 || width * height > limit) {
    snprintf(
      message, CPICTURES_MESSAGE, "expected at most %lld megapixels, found %lld × %lld pixels",
      (long long)(limit / 1000000), (long long)width, (long long)height);
    return CPICTURES_TOO_LARGE;
  }
  return CPICTURES_DONE;
}

int exif_orientation(const uint8_t *bytes, size_t count) {
  static const uint8_t heading[6] = {'E', 'x', 'i', 'f', 0, 0};
  if (count > 1 << 20) return 1;
  // libexif wants the heading that JPEG puts before the data; other formats leave it out.
  uint8_t *copy = malloc(count + sizeof heading);
  if (copy == NULL) return 1;
  size_t start = 0;
  if (count < sizeof heading || memcmp(bytes, heading, sizeof heading) != 0) {
    memcpy(copy, heading, sizeof heading);
    start = sizeof heading;
  }
  memcpy(copy + start, bytes, count);
  int orientation = 1;
  ExifData *data = exif_data_new_from_data(copy, (unsigned)(start + count));
  if (data != NULL) {
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (entry != NULL && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2) {
      orientation = exif_get_short(entry->data, exif_data_get_byte_order(data));
    }
    exif_data_unref(data);
  }
  free(copy);
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

// Turns a picture upright: https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf, section 4.6.4, tag 274.
static bool turn_upright(cpictures_picture *picture, int orientation) {
  if (orientation == 1) return true;
  const bool transposed = orientation >= 5;
  const int32_t w = picture->width, h = picture->height;
  const int32_t width = transposed ? h : w, height = transposed ? w : h;
  uint8_t *pixels = malloc((size_t)w * (size_t)h * 3);
  if (pixels == NULL) return false;
  for (int32_t y = 0; y < height; y++) {
    for (int32_t x = 0; x < width; x++) {
      int32_t sx = transposed ? y : x, sy = transposed ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) sx = w - 1 - sx;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) sy = h - 1 - sy;
      memcpy(
        pixels + ((size_t)y * (size_t)width + (size_t)x) * 3,
        picture->pixels + ((size_t)sy * (size_t)w + (size_t)sx) * 3, 3);
    }
  }
  free(picture->pixels);
  picture->pixels = pixels;
  picture->width = width;
  picture->height = height;
  if (transposed) {
    const int32_t full = picture->full_width;
    picture->full_width = picture->full_height;
    picture->full_height = full;
  }
  return true;
}

static bool starts(const uint8_t *bytes, size_t count, size_t at, const char *text) {
  const size_t length = strlen(text);
  return count >= at + length && memcmp(bytes + at, text, length) == 0;
}

cpictures_outcome cpictures_decode(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture,
  char message[CPICTURES_MESSAGE]) {
  memset(picture, 0, sizeof *picture);
  message[0] = 0;
  int orientation = 1;
  cpictures_outcome outcome = CPICTURES_UNKNOWN;
  if (count >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF) {
    outcome = decode_jpeg(bytes, count, kept, limit, picture, &orientation, message);
  } else if (starts(bytes, count, 0, "\x89PNG\r\n\x1a\n")) {
    outcome = decode_png(bytes, count, kept, limit, picture, &orientation, message);
  } else if (starts(bytes, count, 0, "RIFF") && starts(bytes, count, 8, "WEBP")) {
    outcome = decode_webp(bytes, count, kept, limit, picture, &orientation, message);
  } else if (starts(bytes, count, 4, "ftyp")) {
    outcome = decode_heif(bytes, count, kept, limit, picture, message);
  } else if (count >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') {
    outcome = decode_netpbm(bytes, count, kept, limit, picture, message);
  }
  if (outcome == CPICTURES_DONE && !turn_upright(picture, orientation)) outcome = CPICTURES_NO_MEMORY;
  if (outcome != CPICTURES_DONE) {
    free(picture->pixels);
    picture->pixels = NULL;
  }
  return outcome;
}
