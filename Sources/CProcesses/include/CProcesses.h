#ifndef LOCKSTEP_CPROCESSES_H
#define LOCKSTEP_CPROCESSES_H

#include <stddef.h>
#include <sys/types.h>

// Kills the process `launcher` (mpirun or its daemon, this process's parent) if it is still there after so many
// seconds; returns at once. For signal handlers: Swift has no fork, and fork() itself may not be called in them.
void cprocesses_kill_after(pid_t launcher, unsigned seconds);

// The build id that the linker wrote into this program: a digest of its content (ELF note NT_GNU_BUILD_ID). Sets `count`
// to its bytes; NULL where the program has none.
const unsigned char *cprocesses_build_id(size_t *count);

// Has this process give large blocks back to the system as they are freed. By itself glibc raises the size that it calls
// large with every such block that is freed, to 32 MB at most, and a rank would keep 8 MB of what it read its dataset with.
void cprocesses_return_freed_memory(void);

#endif
