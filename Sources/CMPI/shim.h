#ifndef LOCKSTEP_CMPI_SHIM_H
#define LOCKSTEP_CMPI_SHIM_H

#include <mpi.h>
#include <signal.h>
#include <unistd.h>

// Open MPI spells its predefined handles as cast macros, which Swift cannot import:
// each gets a function here, and nothing else does.
static inline MPI_Comm cmpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Datatype cmpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype cmpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype cmpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op cmpi_sum(void) { return MPI_SUM; }
static inline void *cmpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Errhandler cmpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Request cmpi_request_null(void) { return MPI_REQUEST_NULL; }

// Kills the process `launcher` (mpirun or its daemon, this process's parent) if it is still there after so many
// seconds; returns at once. For signal handlers: Swift has no fork, and fork() itself may not be called in them.
static inline void cmpi_kill_after(pid_t launcher, unsigned seconds) {
  if (_Fork() != 0) return;
  setsid();
  // Whoever reads what the rank prints waits for everybody who could print more.
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

#endif
