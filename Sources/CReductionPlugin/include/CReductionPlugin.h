#ifndef LOCKSTEP_CREDUCTIONPLUGIN_H
#define LOCKSTEP_CREDUCTIONPLUGIN_H

#include <stddef.h>
#include <stdint.h>

// Reductions that users bring, as shared libraries (lockstep_reduction.h), and what they send.
//
// Communicators are MPI_Comm, as void * so that whoever includes this needs no mpi.h.

// Why a plugin could not be loaded.
enum {
  CREDUCTION_LOADED = 0,
  // The dynamic linker refuses the file, in its own words.
  CREDUCTION_UNLOADABLE = 1,
  // The function, or the version, is not there.
  CREDUCTION_NO_FUNCTION = 2,
  CREDUCTION_NO_VERSION = 3,
  // It is of the version in `version`.
  CREDUCTION_OTHER_VERSION = 4,
};

// The version that plugins must be of.
extern const int creduction_version;

// Loads the plugin at `path` and sets `function` to what it calls; `reason` gets the dynamic linker's words, up to `size`
// bytes. Returns one of the above.
int creduction_load(const char *path, void **function, int *version, char *reason, size_t size);

// Makes a communicator of the ranks of `world` for a plugin alone, whose errors are remembered for `creduction_call`.
// Returns MPI's code.
int creduction_duplicate(void *world, void **own);

// Calls a plugin's function and returns what it returns; `mpi_error` is the first error that MPI had meanwhile, else
// MPI_SUCCESS. What it sends is counted.
int creduction_call(void *function, float *values, int count, void *communicator, int *mpi_error);

// Whether a message lies in a communicator that nobody has received.
int creduction_has_message(void *communicator);

// Whether a plugin runs in this process right now; may be called by signal handlers.
int creduction_is_running(void);

// What plugins have called in this process so far.
typedef struct {
  // Messages sent from point to point, and their bytes; puts and gets of windows too.
  int64_t messages;
  int64_t bytes;
  // Receives from point to point that were begun.
  int64_t receives;
  // Calls of collective operations, and the bytes that this rank gave them. What MPI sends for them is its own affair.
  int64_t collectives;
  int64_t collective_bytes;
} creduction_traffic;

creduction_traffic creduction_get_traffic(void);

// The collective operations that are told apart, by number from 0 on: their name, and how often plugins have called them;
// a null name behind the last one.
const char *creduction_collective(int number, int64_t *calls);

#endif
