#ifndef LOCKSTEP_CPROCESSOR_SHIM_H
#define LOCKSTEP_CPROCESSOR_SHIM_H

#include <stddef.h>

// The name of an instruction set that this program was compiled for and the processor lacks; NULL if there is none.
// Swift has neither the macros that say what was compiled for nor the built-in that asks the processor.
static inline const char *cprocessor_missing(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#if defined(__AVX2__)
  if (!__builtin_cpu_supports("avx2")) return "AVX2";
#endif
#if defined(__FMA__)
  if (!__builtin_cpu_supports("fma")) return "FMA";
#endif
#if defined(__AVX512F__)
  if (!__builtin_cpu_supports("avx512f")) return "AVX-512 F";
#endif
#if defined(__AVX512BW__)
  if (!__builtin_cpu_supports("avx512bw")) return "AVX-512 BW";
#endif
#if defined(__AVX512VL__)
  if (!__builtin_cpu_supports("avx512vl")) return "AVX-512 VL";
#endif
#endif
  return NULL;
}

// Whether the processor has the instruction set of that number, and its name; NULL behind the last.
static inline const char *cprocessor_instruction_set(int number, int *has) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define CPROCESSOR_SET(index, name) \
  if (number == index) { *has = __builtin_cpu_supports(name) != 0; return name; }
  CPROCESSOR_SET(0, "avx")
  CPROCESSOR_SET(1, "avx2")
  CPROCESSOR_SET(2, "fma")
  CPROCESSOR_SET(3, "avx512f")
  CPROCESSOR_SET(4, "avx512bw")
  CPROCESSOR_SET(5, "avx512dq")
  CPROCESSOR_SET(6, "avx512vl")
  CPROCESSOR_SET(7, "avx512cd")
#undef CPROCESSOR_SET
#endif
  return NULL;
}

#endif
