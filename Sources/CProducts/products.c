#include "CProducts.h"

// Rows of C's tile, where their sums wait between two parts of k: as wide as the widest panel.
#define SUMS_ROW 32
// Rows of C whose sums wait so.
#define HEIGHT 96
// Panels of C whose sums can wait side by side, and the most rows of a B for which a part of A is copied.
#define DEEP_PANELS 8
#define TALL_DEPTH 128
// Bytes from which on a matrix is taken to come from beyond the core's own caches, and is fetched ahead.
#define FAR (256 << 10)

// A tile of C and what it is computed from. A(i, k) is a[i * a_row + k * a_column], B(k, j) is b[k * b_row + j].
struct tile {
  ptrdiff_t k;
  const float *a;
  ptrdiff_t a_row, a_column;
  const float *b;
  ptrdiff_t b_row;
  // Sums begin with zero or with what waits in `sums`, and end in `c` or wait there again.
  float *sums;
  bool begins, ends;
  // Whether alpha is 1 and beta 0.
  bool is_plain;
  float alpha, beta;
  float *c;
  ptrdiff_t c_row;
  // Columns of the last vector.
  int last;
  // What is needed next, and how many bytes of it to fetch each step of k; 0 for nothing.
  const char *ahead;
  ptrdiff_t stride;
};

// Has `count` floats from `next` on fetched while `t` goes through so many tiles, a line a step at most.
static inline void fetch(struct tile *t, const float *next, ptrdiff_t count, ptrdiff_t tiles) {
  const ptrdiff_t steps = tiles * t->k, stride = (count * (ptrdiff_t)sizeof(float) + steps - 1) / steps;
  t->ahead = (const char *)next;
  t->stride = stride < 64 ? (stride > 0 ? stride : 0) : 64;
}

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define AVX2
#endif

// Eight floats, on every processor: for copying B.
typedef float eight __attribute__((vector_size(32), aligned(4)));

static inline __attribute__((always_inline)) AVX2 eight first_of_eight(const float *p, int count) {
  eight x = {0};
  if (count >= 8) return *(const eight *)p;
#if defined(__x86_64__)
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  x = (eight)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes));
#else
  for (int i = 0; i < count; i++) x[i] = p[i];
#endif
  return x;
}

// target [k, width] <- `columns` columns of B, whose rows are `row` apart. What is left of the last eight columns
// becomes zero.
static AVX2 void pack(float *target, int width, const float *b, ptrdiff_t row, ptrdiff_t k, int columns) {
  for (ptrdiff_t i = 0; i < k; i++)
    for (int j = 0; j < columns; j += 8)
      *(eight *)(target + i * width + j) = first_of_eight(b + i * row + j, columns - j);
}

// y <- x, transposed; x is used up.
static inline __attribute__((always_inline)) AVX2 void transpose_eight(eight x[8], eight y[8]) {
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
}

// The same for a transposed B, whose columns are `column` apart: in blocks of 8 x 8, transposed in registers.
static AVX2 void pack_transposed(
    float *target, int width, const float *b, ptrdiff_t column, ptrdiff_t k, int columns) {
  for (int j = 0; j < columns; j += 8)
    for (ptrdiff_t i = 0; i < k; i += 8) {
      const int depth = k - i < 8 ? (int)(k - i) : 8;
      eight x[8], y[8];
      for (int l = 0; l < 8; l++)
        x[l] = j + l < columns ? first_of_eight(b + (j + l) * column + i, depth) : (eight){0};
      transpose_eight(x, y);
      for (int l = 0; l < depth; l++) *(eight *)(target + (i + l) * width + j) = y[l];
    }
}

// C [columns, rows], whose rows are `row` apart, <- alpha * sums^T + beta * C; sums [rows, SUMS_ROW].
static AVX2 void store_transposed(
    float *c, ptrdiff_t row, const float *sums, int rows, int columns, float alpha, float beta) {
  for (int j = 0; j < columns; j += 8)
    for (int i = 0; i < rows; i += 8) {
      if (i + 8 > rows || j + 8 > columns) {
        for (int h = j; h < columns && h < j + 8; h++)
          for (int l = i; l < rows && l < i + 8; l++) {
            float *const place = c + h * row + l;
            const float sum = alpha * sums[l * SUMS_ROW + h];
            *place = beta == 0 ? sum : __builtin_fmaf(beta, *place, sum);
          }
        continue;
      }
      eight x[8], y[8];
      for (int l = 0; l < 8; l++) x[l] = *(const eight *)(sums + (i + l) * SUMS_ROW + j);
      transpose_eight(x, y);
      for (int l = 0; l < 8; l++) {
        eight *const place = (eight *)(c + (j + l) * row + i);
        const eight sum = alpha * y[l];
        *place = beta == 0 ? sum : __builtin_elementwise_fma(beta - (eight){0}, *place, sum);
      }
    }
}

// Four floats: every processor with fused multiply-add, Arm's among them.
#define LANES 4
#if defined(__x86_64__)
#define TARGET __attribute__((target("fma")))
#define ROWS_1 12
#define ROWS_2 6
#else
#define TARGET
#define ROWS_1 25
#define ROWS_2 12
#endif
#define NAME(x) x##_4
typedef float four __attribute__((vector_size(16), aligned(4)));
static inline __attribute__((always_inline)) TARGET four load_first_4(const float *p, int count) {
  four x = {0};
  for (int i = 0; i < count; i++) x[i] = p[i];
  return x;
}
static inline __attribute__((always_inline)) TARGET void store_first_4(float *p, int count, four x) {
  for (int i = 0; i < count; i++) p[i] = x[i];
}
#include "kernel.h"

#if defined(__x86_64__)

#define LANES 8
#define TARGET AVX2
#define ROWS_1 12
#define ROWS_2 6
#define NAME(x) x##_8
static inline __attribute__((always_inline)) TARGET eight load_first_8(const float *p, int count) {
  return first_of_eight(p, count);
}
static inline __attribute__((always_inline)) TARGET void store_first_8(float *p, int count, eight x) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes), (__m256)x);
}
#include "kernel.h"

#define LANES 16
#define TARGET AVX512
#define ROWS_1 25
#define ROWS_2 12
#define NAME(x) x##_16
#define NARROWER rows_8
static inline __attribute__((always_inline)) TARGET __m512 load_first_16(const float *p, int count) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
static inline __attribute__((always_inline)) TARGET void store_first_16(float *p, int count, __m512 x) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), x);
}
#include "kernel.h"

int cproducts_widest(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("fma")) return 0;
  if (!__builtin_cpu_supports("avx2")) return 4;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
             ? 16
             : 8;
}

#else

int cproducts_widest(void) { return 4; }

#endif

cproducts_gemm *cproducts_of_lanes(int lanes) {
  if (lanes > cproducts_widest()) return NULL;
  switch (lanes) {
#if defined(__x86_64__)
    case 16: return gemm_16;
    case 8: return gemm_8;
#endif
    case 4: return gemm_4;
    default: return NULL;
  }
}

float cproducts_multiply_adds(int lanes, ptrdiff_t count) {
  switch (lanes) {
#if defined(__x86_64__)
    case 16: return multiply_adds_16(count);
    case 8: return multiply_adds_8(count);
#endif
    default: return multiply_adds_4(count);
  }
}
