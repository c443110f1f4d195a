#define _GNU_SOURCE
#include "CProcesses.h"

#if defined(__linux__)
#include <elf.h>
#include <link.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <signal.h>
#include <string.h>
#include <unistd.h>

void cprocesses_kill_after(pid_t launcher, unsigned seconds) {
#if defined(__linux__)
  if (_Fork() != 0) return;
#else
  if (fork() != 0) return;
#endif
  setsid();
  // A reader of what the rank prints waits until nobody can print more.
  for (int descriptor = 0; descriptor < 1024; descriptor++) close(descriptor);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (unsigned tries = 20 * seconds; tries > 0; tries--) {
    usleep(50000);
    if (kill(launcher, 0) != 0) _exit(0);
  }
  kill(launcher, SIGKILL);
  _exit(0);
}

#if defined(__linux__)
typedef struct {
  const unsigned char *bytes;
  size_t count;
} BuildID;

// The first object that is visited is the program itself.
static int find_build_id(struct dl_phdr_info *info, size_t size, void *result) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE) continue;
    const unsigned char *next = (const unsigned char *)(info->dlpi_addr + segment->p_vaddr);
    const unsigned char *end = next + segment->p_memsz;
    // Some segments of notes are aligned to 8 bytes instead of 4.
    size_t mask = segment->p_align == 8 ? 7 : 3;
    while ((size_t)(end - next) >= sizeof(ElfW(Nhdr))) {
      const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)next;
      size_t name = sizeof *note;
      size_t content = (name + note->n_namesz + mask) & ~mask;
      size_t length = (content + note->n_descsz + mask) & ~mask;
      if (content + note->n_descsz > (size_t)(end - next)) break;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(next + name, "GNU", 4) == 0) {
        *(BuildID *)result = (BuildID){next + content, note->n_descsz};
        return 1;
      }
      if (length > (size_t)(end - next)) break;
      next += length;
    }
  }
  return 1;
}

const unsigned char *cprocesses_build_id(size_t *count) {
  BuildID result = {NULL, 0};
  dl_iterate_phdr(find_build_id, &result);
  *count = result.count;
  return result.bytes;
}
#else
const unsigned char *cprocesses_build_id(size_t *count) {
  *count = 0;
  return NULL;
}
#endif

void cprocesses_return_freed_memory(void) {
#if defined(__GLIBC__)
  // Setting the threshold ends its growth: mallopt(3).
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
#endif
}
