#ifndef LOCKSTEP_CPICTURES_H
#define LOCKSTEP_CPICTURES_H

#include <stddef.h>
#include <stdint.h>

// Pictures in files' bytes, read by the libraries of their formats: libjpeg-turbo, libpng, libwebp and, where it is
// installed, libheif; their EXIF rotation by libexif. Netpbm's plain formats need no library.
//
// A picture comes out upright, as RGB of 8 bits, and shrunk while it is decoded, so that memory is bounded by what is
// kept and not by what the file holds.

typedef struct {
  // [height, width, 3], red, green, blue; allocated with malloc, nil after a failure.
  uint8_t *pixels;
  int32_t width, height;
  // Of the file, upright, before it was shrunk.
  int32_t full_width, full_height;
  // Whether the file ended early or was damaged in places; what could be read is there.
  int32_t incomplete;
} cpictures_picture;

typedef enum {
  CPICTURES_DONE = 0,
  // The bytes are of no format that is read here.
  CPICTURES_UNKNOWN,
  // The format is known, the bytes are not of its form.
  CPICTURES_DAMAGED,
  // More pixels than `limit`.
  CPICTURES_TOO_LARGE,
  // Of the format, but of a kind of it that is not read here.
  CPICTURES_UNSUPPORTED,
  // No memory for it.
  CPICTURES_NO_MEMORY
} cpictures_outcome;

enum { CPICTURES_MESSAGE = 256 };

// Decodes a picture of at most `limit` pixels so that about `kept` pixels or fewer are left. `message` says what is
// wrong where the outcome is not CPICTURES_DONE.
cpictures_outcome cpictures_decode(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture,
  char message[CPICTURES_MESSAGE]);

// Encodes [height, width, 3] as a JPEG file, allocated with malloc; nil without memory.
uint8_t *cpictures_encode_jpeg(
  const uint8_t *pixels, int32_t width, int32_t height, int32_t quality, size_t *count);

// Encodes [height, width, 3] as a PNG file, allocated with malloc; nil without memory.
uint8_t *cpictures_encode_png(const uint8_t *pixels, int32_t width, int32_t height, size_t *count);

#endif
