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

// NH, the universal hash of Black, Halevi, Krawczyk, Krovetz and Rogaway ("UMAC", 1999, section 4): of words w in groups of
// sixteen, the sum modulo 2^64 of (w[j] + k[j] mod 2^32) (w[j + 8] + k[j + 8] mod 2^32) over the groups and j < 8. Sums
// of parts are the sum of all, in whatever order, so the hash depends neither on vectors nor on who computes which part.

typedef uint32_t cvectors_uint8 __attribute__((ext_vector_type(8)));
typedef uint64_t cvectors_ulong4 __attribute__((ext_vector_type(4)));

// The key of word j in group g is first[j] + g * stride[j] mod 2^32: the upper and the lower half, made odd, of the first
// sixteen outputs of SplitMix64 with the seed 0.
static const uint32_t cvectors_nh_first[16] = {
  0xe220a839, 0x6e789e6a, 0x06c45d18, 0xf88bb8a8, 0x1b39896a, 0x53cb9f0c, 0x2c829abe, 0xc584133a,
  0x3ee57890, 0xf3b8488c, 0x657eecdd, 0xc2d326e0, 0x8621a03f, 0x8e1f7555, 0xb54e0f16, 0x84bb3f97,
};
static const uint32_t cvectors_nh_stride[16] = {
  0x7b1dcdaf, 0xa1b965f5, 0x8009454f, 0x724c81ed, 0x51a8749b, 0x747ea2eb, 0x1f4532e1, 0xc916ab3d,
  0x41c98ac3, 0x368cb0a7, 0x3cb13d09, 0x055bdef7, 0xe0bbdb7b, 0x983aa92f, 0x00cc4d19, 0x971d80ab,
};

static inline uint32_t cvectors_nh_key(uint64_t word) {
  return cvectors_nh_first[word % 16] + (uint32_t)(word / 16) * cvectors_nh_stride[word % 16];
}

// The hash of `count` floats' bits, which are those of whole groups from `group` on; words that are missing from the last
// group are zero.
static inline uint64_t cvectors_nh(const float *values, uint64_t group, ptrdiff_t count) {
  cvectors_uint8 left, right, left_stride, right_stride;
  memcpy(&left, cvectors_nh_first, 32);
  memcpy(&right, cvectors_nh_first + 8, 32);
  memcpy(&left_stride, cvectors_nh_stride, 32);
  memcpy(&right_stride, cvectors_nh_stride + 8, 32);
  left += left_stride * (uint32_t)group;
  right += right_stride * (uint32_t)group;
  cvectors_ulong4 even = 0, odd = 0;
  for (ptrdiff_t i = 0; i < count; i += 16) {
    float last[16] = {0};
    const float *words = values + i;
    if (count - i < 16) {
      memcpy(last, words, (size_t)(count - i) * 4);
      words = last;
    }
    cvectors_uint8 a, b;
    memcpy(&a, words, 32);
    memcpy(&b, words + 8, 32);
    cvectors_ulong4 x = (cvectors_ulong4)(a + left), y = (cvectors_ulong4)(b + right);
    even += (x & 0xffffffffu) * (y & 0xffffffffu);
    odd += (x >> 32) * (y >> 32);
    left += left_stride;
    right += right_stride;
  }
  cvectors_ulong4 sum = even + odd;
  return sum[0] + sum[1] + sum[2] + sum[3];
}

#endif
