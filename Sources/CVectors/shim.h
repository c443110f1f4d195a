#ifndef LOCKSTEP_CVECTORS_SHIM_H
#define LOCKSTEP_CVECTORS_SHIM_H

// What Swift's SIMD types lack vector instructions for: their squareRoot() is eight calls of the C library.

typedef float cvectors_float8 __attribute__((ext_vector_type(8)));

// Rounded as IEEE 754 prescribes, lane by lane.
static inline cvectors_float8 cvectors_square_roots(cvectors_float8 x) {
  return __builtin_elementwise_sqrt(x);
}

#endif
