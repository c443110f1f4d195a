#include "CConvolutions.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Nothing is fused but what says so.
#pragma STDC FP_CONTRACT OFF

// Where a tile of positions comes from and goes to.
struct tile {
  const struct cconvolutions_first *layer;
  const float *patch;     // of the first position
  const float *weights;   // of the first channel
  const float *bias;
  float *band;            // the place of the convolution's output; NULL where a tile finishes it by itself
  float *output;
  uint8_t *winners;
  ptrdiff_t left;         // channels from the first one on
};

// How a row of positions is cut into tiles of nearly equal width: `count` of them, of which the first `longer` have one
// unit more than `columns`.
struct cut {
  ptrdiff_t count, columns, longer;
};

static struct cut cut_row(ptrdiff_t units, ptrdiff_t most) {
  const ptrdiff_t count = (units + most - 1) / most;
  return (struct cut){.count = count, .columns = units / count, .longer = units % count};
}

// Where a tile of the weights' gradient comes from and goes to.
struct weights_tile {
  const struct cconvolutions_first *layer;
  ptrdiff_t count;
  const float *frames, *gradient;
  const uint8_t *winners;
  bool adds;
  ptrdiff_t left;
  float *weights;
};

// The sources below are included once for each width of vectors, with these defined beforehand:
//   LANES            floats in a vector
//   REGISTERS        vectors that the processor holds: 16 or 32
//   TARGET           the attribute that lets the compiler use such vectors
//   MOST_1, MOST_2          the most positions of a tile of one or two vectors of channels
//   WINDOWS_1, WINDOWS_2    the most windows of 2 x 2 positions
//   NAME(x)          x with a suffix of this width
//   NARROWER(x)      x for vectors of half the width, of four floats at least

#define INLINE static inline __attribute__((always_inline)) TARGET
#define EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)

#define LANES 4
#if defined(__x86_64__)
#define REGISTERS 16
#define TARGET __attribute__((target("fma")))
#define MOST_1 12
#define MOST_2 6
#define WINDOWS_1 3
#define WINDOWS_2 1
#else
#define REGISTERS 32
#define TARGET
#define MOST_1 14
#define MOST_2 13
#define WINDOWS_1 6
#define WINDOWS_2 3
#endif
#define NAME(x) x##_4
#define NARROWER(x) x##_4
#include "vectors.h"
#include "first.h"
#include "undefine.h"

#if defined(__x86_64__)

#define LANES 8
#define REGISTERS 16
#define TARGET __attribute__((target("avx2,fma")))
#define MOST_1 12
#define MOST_2 6
#define WINDOWS_1 3
#define WINDOWS_2 1
#define NAME(x) x##_8
#define NARROWER(x) x##_4
#include "vectors.h"
#include "first.h"
#include "undefine.h"

#define LANES 16
#define REGISTERS 32
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#define MOST_1 14
#define MOST_2 13
#define WINDOWS_1 6
#define WINDOWS_2 3
#define NAME(x) x##_16
#define NARROWER(x) x##_8
#include "vectors.h"
#include "first.h"
#include "undefine.h"

#define CHOOSE(function, ...) \
  switch (lanes) { \
    case 16: function##_16(__VA_ARGS__); break; \
    case 8: function##_8(__VA_ARGS__); break; \
    default: function##_4(__VA_ARGS__); break; \
  }

#else

#define CHOOSE(function, ...) \
  (void)lanes; \
  function##_4(__VA_ARGS__);

#endif

void cconvolutions_first_forward(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *weights,
    float *band, float *output, uint8_t *winners) {
  CHOOSE(first_forward, layer, count, frames, weights, band, output, winners)
}

void cconvolutions_first_mask(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t rows, const float *output, float *gradient,
    bool adds, float *bias) {
  // Vectors of sixteen that cross a line of the cache at each position are slow to store.
  if (layer->channels % 16 != 0 && lanes > 8) lanes = 8;
  CHOOSE(first_mask, layer, rows, output, gradient, adds, bias)
}

void cconvolutions_first_weights(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *gradient,
    const uint8_t *winners, bool adds, float *weights) {
  CHOOSE(first_weights, layer, count, frames, gradient, winners, adds, weights)
}
