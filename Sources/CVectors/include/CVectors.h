#ifndef LOCKSTEP_CVECTORS_H
#define LOCKSTEP_CVECTORS_H

// What Swift's SIMD types lack vector instructions for: their squareRoot() is eight calls of the C library.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float cvectors_float8 __attribute__((ext_vector_type(8)));

// Rounded as IEEE 754 prescribes, lane by lane.
static inline cvectors_float8 cvectors_square_roots(cvectors_float8 x) {
  return __builtin_elementwise_sqrt(x);
}

// target[i] <- bytes[i] * scale + offset for i < 8, rounded twice.
static inline void cvectors_scale_8_bytes(const uint8_t *bytes, float *target, float scale, float offset) {
  typedef uint8_t byte8 __attribute__((ext_vector_type(8)));
  byte8 x;
  memcpy(&x, bytes, sizeof x);
  const cvectors_float8 scaled = __builtin_convertvector(x, cvectors_float8) * scale;
  const cvectors_float8 sum = scaled + offset;
  memcpy(target, &sum, sizeof sum);
}

// Has the cache lines of these bytes fetched.
static inline void cvectors_fetch(const void *bytes, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i += 64) __builtin_prefetch((const char *)bytes + i);
  if (count > 0) __builtin_prefetch((const char *)bytes + count - 1);
}

// target [8, 8] <- the transpose of source [8, 8]; rows are so many floats apart.
static inline void cvectors_transpose_8x8(
    const float *source, ptrdiff_t source_row, float *target, ptrdiff_t target_row) {
  cvectors_float8 x[8], y[8];
  for (int l = 0; l < 8; l++) memcpy(&x[l], source + l * source_row, sizeof x[l]);
  // Rows l and l + 4 change quarters, then l and l + 2, then l and l + 1.
  for (int l = 0; l < 4; l++) {
    y[l] = __builtin_shufflevector(x[l], x[l + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    y[l + 4] = __builtin_shufflevector(x[l], x[l + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int l = 0; l < 8; l += 4)
    for (int h = l; h < l + 2; h++) {
      x[h] = __builtin_shufflevector(y[h], y[h + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      x[h + 2] = __builtin_shufflevector(y[h], y[h + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int l = 0; l < 8; l += 2) {
    y[l] = __builtin_shufflevector(x[l], x[l + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    y[l + 1] = __builtin_shufflevector(x[l], x[l + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int l = 0; l < 8; l++) memcpy(target + l * target_row, &y[l], sizeof y[l]);
}

// bfloat16 is the upper half of a float's bits: 8 bits of exponent, 7 of fraction.

// The nearest bfloat16, ties to even, as a float. Not-a-number stays one: without its own case the addition would
// carry some of them over into a zero.
static inline float cvectors_bfloat16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) & 0xFFFF0000u;
  uint32_t quiet = (bits | 0x00400000u) & 0xFFFF0000u;
  bits = x == x ? rounded : quiet;
  memcpy(&x, &bits, 4);
  return x;
}

// values[i] <- bfloat16(values[i])
static inline void cvectors_round_bfloat16(float *values, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) values[i] = cvectors_bfloat16(values[i]);
}

// target[i] <- bfloat16(a[i] + b[i]); target may be a.
static inline void cvectors_add_bfloat16(const float *a, const float *b, float *target, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) target[i] = cvectors_bfloat16(a[i] + b[i]);
}

// The upper halves of floats that are bfloat16 already.
static inline void cvectors_pack_bfloat16(const float *values, uint16_t *target, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, 4);
    target[i] = (uint16_t)(bits >> 16);
  }
}

static inline void cvectors_unpack_bfloat16(const uint16_t *values, float *target, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)values[i] << 16;
    memcpy(target + i, &bits, 4);
  }
}

#endif
