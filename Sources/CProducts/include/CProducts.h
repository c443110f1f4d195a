#ifndef LOCKSTEP_CPRODUCTS_H
#define LOCKSTEP_CPRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

// C <- alpha * A * B + beta * C, by the one definition that all of Lockstep's products follow
// (docs/reproducibility.md):
//
//   S = 0; for k = 0, 1, ...: S = fma(A[i,k], B[k,j], S)      rounded once a term
//   C[i,j] = alpha * S                                        where beta is 0: C is not read
//   C[i,j] = fma(beta, C[i,j], alpha * S)                     elsewhere
//
// A is [m, k], B [k, n], C [m, n] after transposition, all row-major without gaps; a transposed A lies as [k, m], a
// transposed B as [n, k].
//
// This is C because one function is compiled for several instruction sets, which Swift cannot do.
typedef void cproducts_gemm(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a, bool transpose_a, const float *b,
    bool transpose_b, float beta, float *c);

// The most floats that this processor multiplies at once: 16 (AVX-512), 8 (AVX2) or 4; 0 where it has no fused
// multiply-add.
int cproducts_widest(void);

// The product in vectors of 16, 8 or 4 floats, all of the same bits; NULL where the processor lacks them.
cproducts_gemm *cproducts_of_lanes(int lanes);

// Fused multiply-adds in registers alone, `count` times 12 vectors of so many lanes, for measuring what the processor
// can do at best. Returns a sum, so that nothing is left out.
float cproducts_multiply_adds(int lanes, ptrdiff_t count);

#endif
