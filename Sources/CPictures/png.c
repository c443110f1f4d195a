#include "shrink.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t count, place;
} source;

static void read_bytes(png_structp png, png_bytep out, size_t wanted) {
  source *s = png_get_io_ptr(png);
  if (s->count - s->place < wanted) png_error(png, "it ends early");
  memcpy(out, s->bytes + s->place, wanted);
  s->place += wanted;
}

static void fail(png_structp png, png_const_charp text) {
  snprintf(png_get_error_ptr(png), CPICTURES_MESSAGE, "%s", text);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

cpictures_outcome decode_png(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message) {
  source s = {bytes, count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
  if (info == NULL) {
    png_destroy_read_struct(&png, NULL, NULL);
    return CPICTURES_NO_MEMORY;
  }
  // Volatile: changed after setjmp, used after a longjmp.
  uint8_t *volatile row = NULL;
  shrink *volatile begun = NULL;
  volatile int has_rows = 0;
  shrink picked;
  if (setjmp(png_jmpbuf(png))) {
    // The rows that came before the damage are worth reading.
    int any = 0;
    if (begun != NULL && has_rows) {
      any = shrink_end(begun, picture);
    } else if (begun != NULL) {
      shrink_abandon(begun);
    }
    if (any) picture->incomplete = 1;
    png_destroy_read_struct(&png, &info, NULL);
    free(row);
    return any ? CPICTURES_DONE : CPICTURES_DAMAGED;
  }
  png_set_read_fn(png, &s, read_bytes);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  png_read_info(png, info);
  const png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  cpictures_outcome outcome = check_size(width, height, limit, message);
  if (outcome != CPICTURES_DONE) {
    png_destroy_read_struct(&png, &info, NULL);
    return outcome;
  }
  png_uint_32 exif_count = 0;
  png_bytep exif = NULL;
  if (png_get_eXIf_1(png, info, &exif_count, &exif) != 0) *orientation = exif_orientation(exif, exif_count);
  png_set_expand(png);
  png_set_scale_16(png);
  png_read_update_info(png, info);
  const int channels = png_get_channels(png, info);
  row = malloc(png_get_rowbytes(png, info));
  if (row == NULL || !shrink_begin(&picked, (int32_t)width, (int32_t)height, kept)) {
    png_destroy_read_struct(&png, &info, NULL);
    free(row);
    return CPICTURES_NO_MEMORY;
  }
  begun = &picked;
  if (png_get_interlace_type(png, info) == PNG_INTERLACE_NONE) {
    for (png_uint_32 y = 0; y < height; y++) {
      png_read_row(png, row, NULL);
      has_rows = 1;
      shrink_row(&picked, (int32_t)y, row, channels);
    }
  } else {
    // Each pass's pixels go to where they belong, so that no pass needs the whole picture.
    for (int pass = 0; pass < 7; pass++) {
      const png_uint_32 columns = PNG_PASS_COLS(width, pass), rows = PNG_PASS_ROWS(height, pass);
      if (columns == 0) continue;
      for (png_uint_32 y = 0; y < rows; y++) {
        png_read_row(png, row, NULL);
        has_rows = 1;
        for (png_uint_32 x = 0; x < columns; x++) {
          const uint8_t *p = row + (size_t)x * (size_t)channels;
          const int grey = channels < 3;
          shrink_add(
            &picked, (int32_t)PNG_COL_FROM_PASS_COL(x, pass), (int32_t)PNG_ROW_FROM_PASS_ROW(y, pass), p[0],
            grey ? p[0] : p[1], grey ? p[0] : p[2], channels % 2 == 0 ? p[channels - 1] : 255);
        }
      }
    }
  }
  begun = NULL;
  outcome = shrink_end(&picked, picture) ? CPICTURES_DONE : CPICTURES_NO_MEMORY;
  png_destroy_read_struct(&png, &info, NULL);
  free(row);
  return outcome;
}

uint8_t *cpictures_encode_png(const uint8_t *pixels, int32_t width, int32_t height, size_t *count) {
  png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height};
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  uint8_t *file = malloc(size);
  if (file == NULL || !png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL)) {
    free(file);
    return NULL;
  }
  *count = size;
  return file;
}
