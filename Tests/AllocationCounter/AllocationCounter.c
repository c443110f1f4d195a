#define _GNU_SOURCE
#include "AllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static _Thread_local long count;
// To look up who asks takes longer than the request itself: only threads that want to know pay for it.
static _Thread_local int is_counting;

long allocation_count(void) {
  is_counting = 1;
  return count;
}

void end_allocation_count(void) { is_counting = 0; }

// Sanitizers bring an allocator of their own, which must see every request: nothing is counted beside them.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

// The names under which glibc offers its own functions to whoever replaces them.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void count_request_of(void *caller) {
  if (!is_counting) return;
  Dl_info library;
  if (dladdr(caller, &library) && library.dli_fname && strstr(library.dli_fname, "openblas")) return;
  count++;
}

void *malloc(size_t size) {
  count_request_of(__builtin_return_address(0));
  return __libc_malloc(size);
}

void *calloc(size_t elements, size_t size) {
  count_request_of(__builtin_return_address(0));
  return __libc_calloc(elements, size);
}

void *realloc(void *memory, size_t size) {
  count_request_of(__builtin_return_address(0));
  return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count_request_of(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  count_request_of(__builtin_return_address(0));
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

#endif
