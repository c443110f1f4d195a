// Counts what plugins send, through MPI's profiling interface (MPI 3.1, chapter 14.2): every function MPI_X of the library
// is there as PMPI_X too, so a program may define MPI_X itself. A plugin finds this program's definitions before the
// library's. Outside a plugin's call they pass on.

#include "CReductionPlugin.h"
#include "traffic.h"

#include <mpi.h>

int traffic_is_counting = 0;

static creduction_traffic traffic;

// A plugin that calls MPI from several threads is wrong, and is counted nevertheless.
static void add(int64_t *total, int64_t amount) { __atomic_fetch_add(total, amount, __ATOMIC_RELAXED); }

static int64_t bytes_of(int64_t count, MPI_Datatype type) {
  int size = 0;
  return PMPI_Type_size(type, &size) == MPI_SUCCESS && count > 0 ? count * size : 0;
}

static void note_send(int64_t bytes, int destination) {
  if (destination == MPI_PROC_NULL) return;
  add(&traffic.messages, 1);
  add(&traffic.bytes, bytes);
}

static void note_receive(int source) {
  if (source != MPI_PROC_NULL) add(&traffic.receives, 1);
}

creduction_traffic creduction_get_traffic(void) { return traffic; }

// MARK: Point to point

#define SEND(name)                                                                                               \
  int MPI_##name(const void *data, int count, MPI_Datatype type, int destination, int tag, MPI_Comm group) {     \
    if (traffic_is_counting) note_send(bytes_of(count, type), destination);                                      \
    return PMPI_##name(data, count, type, destination, tag, group);                                              \
  }

#define START_SEND(name)                                                                                         \
  int MPI_##name(const void *data, int count, MPI_Datatype type, int destination, int tag, MPI_Comm group,       \
                 MPI_Request *request) {                                                                         \
    if (traffic_is_counting) note_send(bytes_of(count, type), destination);                                      \
    return PMPI_##name(data, count, type, destination, tag, group, request);                                     \
  }

SEND(Send)
SEND(Bsend)
SEND(Ssend)
SEND(Rsend)
START_SEND(Isend)
START_SEND(Ibsend)
START_SEND(Issend)
START_SEND(Irsend)

int MPI_Recv(void *data, int count, MPI_Datatype type, int source, int tag, MPI_Comm group, MPI_Status *status) {
  if (traffic_is_counting) note_receive(source);
  return PMPI_Recv(data, count, type, source, tag, group, status);
}

int MPI_Irecv(void *data, int count, MPI_Datatype type, int source, int tag, MPI_Comm group, MPI_Request *request) {
  if (traffic_is_counting) note_receive(source);
  return PMPI_Irecv(data, count, type, source, tag, group, request);
}

int MPI_Mrecv(void *data, int count, MPI_Datatype type, MPI_Message *message, MPI_Status *status) {
  if (traffic_is_counting) add(&traffic.receives, 1);
  return PMPI_Mrecv(data, count, type, message, status);
}

int MPI_Imrecv(void *data, int count, MPI_Datatype type, MPI_Message *message, MPI_Request *request) {
  if (traffic_is_counting) add(&traffic.receives, 1);
  return PMPI_Imrecv(data, count, type, message, request);
}

int MPI_Sendrecv(const void *sent, int sent_count, MPI_Datatype sent_type, int destination, int sent_tag,
                 void *received, int count, MPI_Datatype type, int source, int tag, MPI_Comm group,
                 MPI_Status *status) {
  if (traffic_is_counting) {
    note_send(bytes_of(sent_count, sent_type), destination);
    note_receive(source);
  }
  return PMPI_Sendrecv(sent, sent_count, sent_type, destination, sent_tag, received, count, type, source, tag, group,
                       status);
}

int MPI_Sendrecv_replace(void *data, int count, MPI_Datatype type, int destination, int sent_tag, int source, int tag,
                         MPI_Comm group, MPI_Status *status) {
  if (traffic_is_counting) {
    note_send(bytes_of(count, type), destination);
    note_receive(source);
  }
  return PMPI_Sendrecv_replace(data, count, type, destination, sent_tag, source, tag, group, status);
}

// MARK: Persistent requests: what they send, each time they are started

enum { most_persistent = 4096 };
static struct {
  MPI_Request request;
  int64_t bytes;
  int is_send;
  int peer;
} persistent[most_persistent];
static int persistent_count = 0;

static void remember_persistent(MPI_Request request, int64_t bytes, int is_send, int peer) {
  int place = 0;
  // A request that was freed may come again.
  while (place < persistent_count && persistent[place].request != request) place++;
  if (place == most_persistent) return;
  if (place == persistent_count) persistent_count++;
  persistent[place].request = request;
  persistent[place].bytes = bytes;
  persistent[place].is_send = is_send;
  persistent[place].peer = peer;
}

static void note_start(MPI_Request request) {
  for (int place = 0; place < persistent_count; place++) {
    if (persistent[place].request != request) continue;
    if (persistent[place].is_send) note_send(persistent[place].bytes, persistent[place].peer);
    else note_receive(persistent[place].peer);
    return;
  }
}

#define PERSISTENT_SEND(name)                                                                                    \
  int MPI_##name(const void *data, int count, MPI_Datatype type, int destination, int tag, MPI_Comm group,       \
                 MPI_Request *request) {                                                                         \
    int code = PMPI_##name(data, count, type, destination, tag, group, request);                                 \
    if (code == MPI_SUCCESS && traffic_is_counting)                                                              \
      remember_persistent(*request, bytes_of(count, type), 1, destination);                                      \
    return code;                                                                                                 \
  }

PERSISTENT_SEND(Send_init)
PERSISTENT_SEND(Bsend_init)
PERSISTENT_SEND(Ssend_init)
PERSISTENT_SEND(Rsend_init)

int MPI_Recv_init(void *data, int count, MPI_Datatype type, int source, int tag, MPI_Comm group,
                  MPI_Request *request) {
  int code = PMPI_Recv_init(data, count, type, source, tag, group, request);
  if (code == MPI_SUCCESS && traffic_is_counting) remember_persistent(*request, 0, 0, source);
  return code;
}

int MPI_Start(MPI_Request *request) {
  if (traffic_is_counting) note_start(*request);
  return PMPI_Start(request);
}

int MPI_Startall(int count, MPI_Request requests[]) {
  if (traffic_is_counting)
    for (int place = 0; place < count; place++) note_start(requests[place]);
  return PMPI_Startall(count, requests);
}

// MARK: Windows

int MPI_Put(const void *data, int count, MPI_Datatype type, int target, MPI_Aint place, int target_count,
            MPI_Datatype target_type, MPI_Win window) {
  if (traffic_is_counting) note_send(bytes_of(count, type), target);
  return PMPI_Put(data, count, type, target, place, target_count, target_type, window);
}

int MPI_Get(void *data, int count, MPI_Datatype type, int target, MPI_Aint place, int target_count,
            MPI_Datatype target_type, MPI_Win window) {
  if (traffic_is_counting) note_receive(target);
  return PMPI_Get(data, count, type, target, place, target_count, target_type, window);
}

int MPI_Accumulate(const void *data, int count, MPI_Datatype type, int target, MPI_Aint place, int target_count,
                   MPI_Datatype target_type, MPI_Op operation, MPI_Win window) {
  if (traffic_is_counting) note_send(bytes_of(count, type), target);
  return PMPI_Accumulate(data, count, type, target, place, target_count, target_type, operation, window);
}

// MARK: Collective operations

static const char *const collective_names[] = {
    "MPI_Allreduce", "MPI_Reduce",         "MPI_Bcast",                "MPI_Gather",   "MPI_Allgather", "MPI_Scatter",
    "MPI_Alltoall",  "MPI_Reduce_scatter", "MPI_Reduce_scatter_block", "MPI_Scan",     "MPI_Exscan",    "MPI_Barrier",
};
enum { ALLREDUCE, REDUCE, BCAST, GATHER, ALLGATHER, SCATTER, ALLTOALL, REDUCE_SCATTER, REDUCE_SCATTER_BLOCK, SCAN,
       EXSCAN, BARRIER, collective_count };
static int64_t collective_calls[collective_count];

const char *creduction_collective(int number, int64_t *calls) {
  if (number < 0 || number >= collective_count) return 0;
  *calls = collective_calls[number];
  return collective_names[number];
}

static int64_t sum_of(MPI_Comm group, const int counts[]) {
  int size = 0;
  int64_t sum = 0;
  PMPI_Comm_size(group, &size);
  for (int rank = 0; rank < size; rank++) sum += counts[rank];
  return sum;
}

static void note_collective(int kind, int64_t bytes) {
  add(&collective_calls[kind], 1);
  add(&traffic.collectives, 1);
  add(&traffic.collective_bytes, bytes);
}

// A collective operation as the standard has it, and the one that returns at once (`I…`). `data` is what this rank gives.
#define COLLECTIVE(kind, blocking, nonblocking, bytes, arguments, ...)                                           \
  int MPI_##blocking(__VA_ARGS__) {                                                                              \
    if (traffic_is_counting) note_collective(kind, bytes);                                                       \
    return PMPI_##blocking arguments;                                                                            \
  }                                                                                                              \
  int MPI_##nonblocking(__VA_ARGS__, MPI_Request *request) {                                                     \
    if (traffic_is_counting) note_collective(kind, bytes);                                                       \
    return PMPI_##nonblocking WITH_REQUEST arguments;                                                            \
  }
#define WITH_REQUEST(...) (__VA_ARGS__, request)

COLLECTIVE(ALLREDUCE, Allreduce, Iallreduce, bytes_of(count, type), (data, result, count, type, operation, group),
           const void *data, void *result, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm group)
COLLECTIVE(REDUCE, Reduce, Ireduce, bytes_of(count, type), (data, result, count, type, operation, root, group),
           const void *data, void *result, int count, MPI_Datatype type, MPI_Op operation, int root, MPI_Comm group)
COLLECTIVE(BCAST, Bcast, Ibcast, bytes_of(count, type), (data, count, type, root, group), void *data, int count,
           MPI_Datatype type, int root, MPI_Comm group)
COLLECTIVE(GATHER, Gather, Igather, bytes_of(count, type),
           (data, count, type, result, result_count, result_type, root, group), const void *data, int count,
           MPI_Datatype type, void *result, int result_count, MPI_Datatype result_type, int root, MPI_Comm group)
COLLECTIVE(GATHER, Gatherv, Igatherv, bytes_of(count, type),
           (data, count, type, result, counts, places, result_type, root, group), const void *data, int count,
           MPI_Datatype type, void *result, const int counts[], const int places[], MPI_Datatype result_type, int root,
           MPI_Comm group)
COLLECTIVE(ALLGATHER, Allgather, Iallgather, bytes_of(count, type),
           (data, count, type, result, result_count, result_type, group), const void *data, int count,
           MPI_Datatype type, void *result, int result_count, MPI_Datatype result_type, MPI_Comm group)
COLLECTIVE(ALLGATHER, Allgatherv, Iallgatherv, bytes_of(count, type),
           (data, count, type, result, counts, places, result_type, group), const void *data, int count,
           MPI_Datatype type, void *result, const int counts[], const int places[], MPI_Datatype result_type,
           MPI_Comm group)
COLLECTIVE(SCATTER, Scatter, Iscatter, bytes_of(count, type),
           (data, count, type, result, result_count, result_type, root, group), const void *data, int count,
           MPI_Datatype type, void *result, int result_count, MPI_Datatype result_type, int root, MPI_Comm group)
COLLECTIVE(SCATTER, Scatterv, Iscatterv, bytes_of(result_count, result_type),
           (data, counts, places, type, result, result_count, result_type, root, group), const void *data,
           const int counts[], const int places[], MPI_Datatype type, void *result, int result_count,
           MPI_Datatype result_type, int root, MPI_Comm group)
COLLECTIVE(ALLTOALL, Alltoall, Ialltoall, bytes_of(count, type),
           (data, count, type, result, result_count, result_type, group), const void *data, int count,
           MPI_Datatype type, void *result, int result_count, MPI_Datatype result_type, MPI_Comm group)
COLLECTIVE(ALLTOALL, Alltoallv, Ialltoallv, bytes_of(sum_of(group, counts), type),
           (data, counts, places, type, result, result_counts, result_places, result_type, group), const void *data,
           const int counts[], const int places[], MPI_Datatype type, void *result, const int result_counts[],
           const int result_places[], MPI_Datatype result_type, MPI_Comm group)
COLLECTIVE(REDUCE_SCATTER, Reduce_scatter, Ireduce_scatter, bytes_of(sum_of(group, counts), type),
           (data, result, counts, type, operation, group), const void *data, void *result, const int counts[],
           MPI_Datatype type, MPI_Op operation, MPI_Comm group)
COLLECTIVE(REDUCE_SCATTER_BLOCK, Reduce_scatter_block, Ireduce_scatter_block, bytes_of(count, type),
           (data, result, count, type, operation, group), const void *data, void *result, int count,
           MPI_Datatype type, MPI_Op operation, MPI_Comm group)
COLLECTIVE(SCAN, Scan, Iscan, bytes_of(count, type), (data, result, count, type, operation, group), const void *data,
           void *result, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm group)
COLLECTIVE(EXSCAN, Exscan, Iexscan, bytes_of(count, type), (data, result, count, type, operation, group),
           const void *data, void *result, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm group)
COLLECTIVE(BARRIER, Barrier, Ibarrier, 0, (group), MPI_Comm group)
