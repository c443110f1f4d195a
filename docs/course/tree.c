// Neighbours add up, then neighbours of neighbours, and so on up to rank 0; the sum comes down the same way.
//
//     mpicc -O2 -fPIC -shared -o tree.so tree.c
//
// A binomial tree: 2·log₂ P messages one after the other, each with all floats.
#include "lockstep_reduction.h"

#include <stdlib.h>

int lockstep_all_reduce(float *values, int count, MPI_Comm communicator) {
  int rank, size;
  MPI_Comm_rank(communicator, &rank);
  MPI_Comm_size(communicator, &size);
  float *others = malloc((size_t)count * sizeof *others);
  if (others == NULL) return 1;

  // Up: the right rank of two sends its sum to the left one, and is done.
  int distance = 1;
  for (; distance < size; distance *= 2) {
    if (rank & distance) {
      MPI_Send(values, count, MPI_FLOAT, rank - distance, 0, communicator);
      break;
    }
    if (rank + distance >= size) continue;
    MPI_Recv(others, count, MPI_FLOAT, rank + distance, 0, communicator, MPI_STATUS_IGNORE);
    for (int i = 0; i < count; i++) values[i] += others[i];
  }
  free(others);

  // Down: a rank gets the whole sum from the rank it sent its own to, and passes it on to those whose sums it got.
  if (rank > 0) MPI_Recv(values, count, MPI_FLOAT, rank - distance, 1, communicator, MPI_STATUS_IGNORE);
  for (distance /= 2; distance > 0; distance /= 2)
    if (rank + distance < size) MPI_Send(values, count, MPI_FLOAT, rank + distance, 1, communicator);
  return 0;
}
