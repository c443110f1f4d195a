// The interface between Lockstep and a reduction of your own.
//
// A plugin is a shared library with one function, `lockstep_all_reduce`:
//
//     mpicc -O2 -fPIC -shared -o ring.so ring.c
//     lockstep grade ring.so
//     mpirun -n 4 lockstep train --reduction-plugin ./ring.so
//
// docs/course has three examples, and sheets that lead up to them.
#ifndef LOCKSTEP_REDUCTION_H
#define LOCKSTEP_REDUCTION_H

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

// Grows with every change to the interface below. Lockstep only loads plugins of its own version.
#define LOCKSTEP_REDUCTION_VERSION 1

// A plugin says which version it was compiled for; including this file does it.
extern const int lockstep_reduction_version;
__attribute__((weak, visibility("default"))) const int lockstep_reduction_version = LOCKSTEP_REDUCTION_VERSION;

// Adds up, over all ranks of `communicator`, the arrays of `count` floats that they have in `values`, element by
// element, and leaves the sums there: on all ranks, with the same bits.
//
// All ranks call it with the same `count`, which is 1 or more and may be less than the number of ranks. Training calls it
// once a step, in the same order on all ranks. The communicator is the plugin's own: it carries no other messages, so
// any tags may be used; none of the plugin's messages may be left in it. MPI's calls return their error codes. Only the
// calling thread may call MPI.
//
// Returns 0; any other value ends the job, with this number in the message.
__attribute__((visibility("default"))) int lockstep_all_reduce(float *values, int count, MPI_Comm communicator);

#ifdef __cplusplus
}
#endif

#endif
