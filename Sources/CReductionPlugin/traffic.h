#ifndef LOCKSTEP_TRAFFIC_H
#define LOCKSTEP_TRAFFIC_H

// Whether MPI's calls are counted.
extern int traffic_is_counting;

#endif
