#include "CReductionPlugin.h"
#include "lockstep_reduction.h"
#include "traffic.h"

#include <dlfcn.h>
#include <stdio.h>

const int creduction_version = LOCKSTEP_REDUCTION_VERSION;

typedef int (*AllReduce)(float *, int, MPI_Comm);

int creduction_load(const char *path, void **function, int *version, char *reason, size_t size) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *words = dlerror();
    snprintf(reason, size, "%s", words ? words : "");
    return CREDUCTION_UNLOADABLE;
  }
  *function = dlsym(library, "lockstep_all_reduce");
  if (*function == NULL) return CREDUCTION_NO_FUNCTION;
  const int *own = dlsym(library, "lockstep_reduction_version");
  if (own == NULL) return CREDUCTION_NO_VERSION;
  *version = *own;
  return *own == creduction_version ? CREDUCTION_LOADED : CREDUCTION_OTHER_VERSION;
}

// The first error of the call under way.
static int first_error = MPI_SUCCESS;

static void remember(MPI_Comm *communicator, int *code, ...) {
  (void)communicator;
  if (first_error == MPI_SUCCESS) first_error = *code;
}

int creduction_duplicate(void *world, void **own) {
  MPI_Comm made = MPI_COMM_NULL;
  int code = PMPI_Comm_dup((MPI_Comm)world, &made);
  if (code != MPI_SUCCESS) return code;
  MPI_Errhandler handler;
  code = PMPI_Comm_create_errhandler(remember, &handler);
  if (code != MPI_SUCCESS) return code;
  code = PMPI_Comm_set_errhandler(made, handler);
  PMPI_Errhandler_free(&handler);
  *own = (void *)made;
  return code;
}

static volatile int running = 0;

int creduction_is_running(void) { return running; }

int creduction_call(void *function, float *values, int count, void *communicator, int *mpi_error) {
  first_error = MPI_SUCCESS;
  running = 1;
  traffic_is_counting = 1;
  int code = ((AllReduce)function)(values, count, (MPI_Comm)communicator);
  traffic_is_counting = 0;
  running = 0;
  *mpi_error = first_error;
  return code;
}

int creduction_has_message(void *communicator) {
  int flag = 0;
  PMPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, (MPI_Comm)communicator, &flag, MPI_STATUS_IGNORE);
  return flag;
}
