// Each rank talks only to its neighbours in a ring: P − 1 times it passes on a part of its sums, adding to what it gets,
// until each rank has the sum of one part; another P − 1 times these are passed on.
//
//     mpicc -O2 -fPIC -shared -o ring.so ring.c
//
// 2·(P − 1) messages of 1/P of the floats: hardly more than each rank must send (Patarasu, Yuan 2009).
#include "lockstep_reduction.h"

#include <stdlib.h>

// The first float of a part, of which there are as many as ranks: some are empty if there are few floats.
static int first(int part, int count, int size) { return (int)((long long)count * part / size); }

int lockstep_all_reduce(float *values, int count, MPI_Comm communicator) {
  int rank, size;
  MPI_Comm_rank(communicator, &rank);
  MPI_Comm_size(communicator, &size);
  float *others = malloc(((size_t)count / size + 1) * sizeof *others);
  if (others == NULL) return 1;
  const int next = (rank + 1) % size, previous = (rank + size - 1) % size;

  for (int step = 0; step < size - 1; step++) {
    const int sent = (rank + size - step) % size, received = (rank + 2 * size - step - 1) % size;
    const int from = first(sent, count, size), to = first(received, count, size);
    const int length = first(received + 1, count, size) - to;
    // Both at once: if all sent before they received, long messages would wait for one another for ever.
    MPI_Sendrecv(values + from, first(sent + 1, count, size) - from, MPI_FLOAT, next, step, others, length, MPI_FLOAT,
                 previous, step, communicator, MPI_STATUS_IGNORE);
    for (int i = 0; i < length; i++) values[to + i] += others[i];
  }
  free(others);

  for (int step = 0; step < size - 1; step++) {
    const int sent = (rank + 1 + size - step) % size, received = (rank + size - step) % size;
    const int from = first(sent, count, size), to = first(received, count, size);
    MPI_Sendrecv(values + from, first(sent + 1, count, size) - from, MPI_FLOAT, next, size + step, values + to,
                 first(received + 1, count, size) - to, MPI_FLOAT, previous, size + step, communicator,
                 MPI_STATUS_IGNORE);
  }
  return 0;
}
