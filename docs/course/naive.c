// Every rank sends its array to rank 0, which adds them up and sends the sum to all.
//
//     mpicc -O2 -fPIC -shared -o naive.so naive.c
#include "lockstep_reduction.h"

#include <stdlib.h>

int lockstep_all_reduce(float *values, int count, MPI_Comm communicator) {
  int rank, size;
  MPI_Comm_rank(communicator, &rank);
  MPI_Comm_size(communicator, &size);
  if (rank != 0) {
    MPI_Send(values, count, MPI_FLOAT, 0, 0, communicator);
    MPI_Recv(values, count, MPI_FLOAT, 0, 1, communicator, MPI_STATUS_IGNORE);
    return 0;
  }
  float *others = malloc((size_t)count * sizeof *others);
  if (others == NULL) return 1;
  // In rank order, whichever arrives first: so the sum has the same bits in each run.
  for (int sender = 1; sender < size; sender++) {
    MPI_Recv(others, count, MPI_FLOAT, sender, 0, communicator, MPI_STATUS_IGNORE);
    for (int i = 0; i < count; i++) values[i] += others[i];
  }
  free(others);
  for (int receiver = 1; receiver < size; receiver++)
    MPI_Send(values, count, MPI_FLOAT, receiver, 1, communicator);
  return 0;
}
