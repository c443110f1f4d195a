#ifndef LOCKSTEP_ALLOCATION_COUNTER_H
#define LOCKSTEP_ALLOCATION_COUNTER_H

// How often the calling thread has asked for heap memory since its first call of this, OpenBLAS's own requests
// left out. Linking this target replaces the C library's allocation functions by counting ones.
long allocation_count(void);

// Ends the calling thread's counting, which makes every request slower: threads are used again by other tests.
void end_allocation_count(void);

#endif
