#ifndef LOCKSTEP_CPROCESSOR_H
#define LOCKSTEP_CPROCESSOR_H

#include <stdbool.h>
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

// Writes the numbers of the processors that this process may use, a bit each, into `mask` of `size` bytes; false where the
// system does not tell. C, since the header shows the call to GNU sources alone.
bool cprocessor_allowed(unsigned char *mask, size_t size);

// Tells the processor that this is a loop that waits for memory to change.
static inline void cprocessor_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
