#define _GNU_SOURCE
#include "CProcessor.h"

#if defined(__linux__)
#include <sched.h>
#include <string.h>
#endif

bool cprocessor_allowed(unsigned char *mask, size_t size) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return false;
  memset(mask, 0, size);
  for (size_t i = 0; i < 8 * size && i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &set)) mask[i / 8] |= (unsigned char)(1u << (i % 8));
  return true;
#else
  (void)mask;
  (void)size;
  return false;
#endif
}
