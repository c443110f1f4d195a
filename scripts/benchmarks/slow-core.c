// Makes a core look slower: takes PERCENT of it in slices far shorter than a training step, for SECONDS, as a
// neighbour on the same core or a lower clock would. Root only, for real-time priority.
//   cc -O2 -o slow-core slow-core.c && ./slow-core CORE PERCENT SECONDS
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const int64_t period = 200 * 1000;

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int count, char **words) {
  if (count != 4) {
    fprintf(stderr, "usage: slow-core CORE PERCENT SECONDS\n");
    return 64;
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(atoi(words[1]), &cores);
  const struct sched_param priority = {.sched_priority = 1};
  if (sched_setaffinity(0, sizeof cores, &cores) != 0 || sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
    perror("slow-core");
    return 71;
  }
  const int64_t taken = period * atoi(words[2]) / 100;
  const int64_t end = nanoseconds() + atoll(words[3]) * 1000000000;
  for (int64_t begin = nanoseconds(); begin < end; begin += period) {
    while (nanoseconds() - begin < taken) {
    }
    const int64_t next = begin + period;
    const struct timespec until = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
  }
  return 0;
}
