#ifndef LOCKSTEP_SHRINK_H
#define LOCKSTEP_SHRINK_H

#include "CPictures.h"

#include <stdbool.h>

// Averages blocks of factor × factor pixels, in whatever order they come.
typedef struct {
  int32_t full_width, full_height, width, height, factor;
  // [height, width, 4]: sums of red, green, blue, each times its opacity, and of opacity; factor ≤ 16, so they fit.
  uint16_t *sums;
} shrink;

// Plans to keep about `kept` pixels; false without memory, or if that takes blocks of more than 16 × 16.
bool shrink_begin(shrink *s, int32_t width, int32_t height, int64_t kept);

// A pixel of the file; alpha 255 is opaque.
static inline void shrink_add(shrink *s, int32_t x, int32_t y, int r, int g, int b, int a) {
  uint16_t *sum = s->sums + ((int64_t)(y / s->factor) * s->width + x / s->factor) * 4;
  if (a != 255) {
    r = (r * a + 127) / 255;
    g = (g * a + 127) / 255;
    b = (b * a + 127) / 255;
  }
  sum[0] += (uint16_t)r;
  sum[1] += (uint16_t)g;
  sum[2] += (uint16_t)b;
  sum[3] += (uint16_t)a;
}

// A whole row of `channels` bytes a pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
void shrink_row(shrink *s, int32_t y, const uint8_t *row, int channels);

// Puts the picture together and gives the sums back. What is transparent becomes white paper, or black if the ink is
// light.
bool shrink_end(shrink *s, cpictures_picture *picture);

void shrink_abandon(shrink *s);

// Refuses what has no pixels or more than `limit`.
cpictures_outcome check_size(int64_t width, int64_t height, int64_t limit, char *message);

// The orientation, 1...8, that EXIF data tell (with or without their "Exif" heading); 1 if they tell none.
int exif_orientation(const uint8_t *bytes, size_t count);

cpictures_outcome decode_jpeg(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message);
cpictures_outcome decode_png(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message);
cpictures_outcome decode_webp(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message);
cpictures_outcome decode_heif(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, char *message);
cpictures_outcome decode_netpbm(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, char *message);

#endif
