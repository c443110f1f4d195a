internal import CMPI
internal import CReductionPlugin

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The ranks that `mpirun` or another MPI launcher started, `MPI_COMM_WORLD`, or some of them.
package final class MPICommunicator: Communicator {
  package let rank: Int
  package let worldSize: Int

  private var handle: MPI_Comm?
  /// Grows to the largest exchange and is then reused, so that a training step allocates nothing.
  private var requests: [MPI_Request?] = []
  private var statuses: [MPI_Status] = []
  private var completed: [Int32] = []

  private let watchdog: StallWatchdog?
  private let stallTimeout: Int
  /// What each rank is called in the job.
  private let names: [Int]
  /// Messages that were posted and may not have left yet.
  private var posts: [(request: MPI_Request?, bytes: UnsafeMutableBufferPointer<UInt8>)] = []
  /// What a reduction plugin's messages are in, once one was called.
  private var pluginHandle: UnsafeMutableRawPointer?
  /// The ranks of this node, once somebody asked.
  private var node: (ranks: [[Int]], handle: MPI_Comm?)?

  /// Starts MPI. A process can do so once. Calls that wait for others end the process after `stallTimeout` seconds, this
  /// one included; 0 to wait for ever.
  ///
  /// - Throws: `CommunicatorError` if MPI cannot be started, or not for a process with threads.
  package init(stallTimeout: Int = StallWatchdog.defaultSeconds) throws(CommunicatorError) {
    var provided: Int32 = 0
    // Before MPI says so, only the launcher knows which rank this is, and of how many.
    let start = StallWatchdog(
      rank: launchedNumber(["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]) ?? 0,
      worldSize: launchedNumber(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]) ?? 1, seconds: stallTimeout)
    func initialize() -> Int32 {
      OpenMPIStart.during { MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided) }
    }
    try check(CommunicatorError.startingCall, start?.during("MPI_Init_thread", initialize) ?? initialize())
    guard provided >= Int32(MPI_THREAD_FUNNELED) else {
      throw CommunicatorError(
        call: "MPI_Init_thread",
        reason: "thread support of level \(provided), expected \(MPI_THREAD_FUNNELED) (funneled) or more")
    }
    handle = cmpi_comm_world()
    var (rank, size): (Int32, Int32) = (0, 0)
    try check("MPI_Comm_rank", MPI_Comm_rank(handle, &rank))
    try check("MPI_Comm_size", MPI_Comm_size(handle, &size))
    // The default handler would end the job with a banner of MPI's own.
    try check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(handle, cmpi_errors_return()))
    self.rank = Int(rank)
    worldSize = Int(size)
    names = Array(0..<Int(size))
    self.stallTimeout = stallTimeout
    watchdog = StallWatchdog(rank: Int(rank), worldSize: Int(size), seconds: stallTimeout)
  }

  /// Some of the ranks, called `names` in the job, of which this is number `rank`.
  private init(_ handle: MPI_Comm?, rank: Int, names: [Int], stallTimeout: Int) {
    self.handle = handle
    self.rank = rank
    worldSize = names.count
    self.names = names
    self.stallTimeout = stallTimeout
    watchdog = StallWatchdog(rank: rank, worldSize: names.count, seconds: stallTimeout, names: names)
  }

  /// Runs `body`, a call that waits for other ranks, for as long as the watchdog allows.
  @inline(__always)
  private func watched<Result, Failure>(
    _ call: StaticString, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let watchdog else { return try body() }
    return try watchdog.during(call, body)
  }

  package func willEnter(_ phase: StaticString, step: Int) {
    watchdog?.enter(phase, step: step)
  }

  package func willWaitInChains(_ isChained: Bool) {
    watchdog?.expectChains(isChained)
  }

  /// The MPI library's name and version, e.g. `Open MPI v4.1.4`.
  package static var libraryVersion: String {
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    var length: Int32 = 0
    MPI_Get_library_version(&text, &length)
    let words = text.prefix(Int(length)).map { UInt8(bitPattern: $0) }
    return String(decoding: words.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
  }

  package func barrier() throws(CommunicatorError) {
    try check("MPI_Barrier", watched("MPI_Barrier") { MPI_Barrier(handle) })
  }

  package func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CommunicatorError) {
    for range in MPICounts.pieces(of: bytes.byteCount) {
      let code = bytes.withUnsafeMutableBytes { bytes in
        watched("MPI_Bcast") {
          MPI_Bcast(
            UnsafeMutableRawBufferPointer(rebasing: bytes[range]).baseAddress, Int32(range.count),
            cmpi_byte(),
            Int32(root), handle)
        }
      }
      try check("MPI_Bcast", code)
    }
  }

  package func allReduceSum(_ values: inout MutableSpan<Float>) throws(CommunicatorError) {
    for range in MPICounts.pieces(of: values.count) {
      let code = values.withUnsafeMutableBufferPointer { values in
        watched("MPI_Allreduce") {
          MPI_Allreduce(
            cmpi_in_place(), UnsafeMutableBufferPointer(rebasing: values[range]).baseAddress,
            Int32(range.count),
            cmpi_float(), cmpi_sum(), handle)
        }
      }
      try check("MPI_Allreduce", code)
    }
  }

  package func allReduceSum(
    _ values: inout MutableSpan<Float>, by plugin: ReductionPlugin
  ) throws(CommunicatorError) {
    if pluginHandle == nil {
      let world = handle.map { UnsafeMutableRawPointer($0) }
      try check("MPI_Comm_dup", watched("MPI_Comm_dup") { creduction_duplicate(world, &pluginHandle) })
    }
    guard let pluginHandle else { return }
    try values.withUnsafeMutableBufferPointer { values throws(CommunicatorError) in
      try watched("lockstep_all_reduce of the plugin") { () throws(CommunicatorError) in
        try plugin(values, over: pluginHandle, describe: words(for:))
      }
    }
  }

  package var hasLeftoverOfPlugin: Bool { pluginHandle.map { creduction_has_message($0) != 0 } ?? false }

  package func allReduceSum(_ values: inout [Int64]) throws(CommunicatorError) {
    let count = try narrow("MPI_Allreduce", values.count)
    let code = values.withUnsafeMutableBufferPointer { values in
      watched("MPI_Allreduce") {
        MPI_Allreduce(cmpi_in_place(), values.baseAddress, count, cmpi_int64(), cmpi_sum(), handle)
      }
    }
    try check("MPI_Allreduce", code)
  }

  package func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]] {
    var counts = [Int64](repeating: 0, count: worldSize)
    counts[rank] = Int64(bytes.count)
    try allReduceSum(&counts)
    let lengths = try counts.map { count throws(CommunicatorError) in
      try narrow("MPI_Allgatherv", Int(count))
    }
    let (offsets, total) = try offsets("MPI_Allgatherv", counts.map { Int($0) })
    var all = [UInt8](repeating: 0, count: total)
    let code = all.withUnsafeMutableBufferPointer { all in
      bytes.withUnsafeBufferPointer { bytes in
        watched("MPI_Allgatherv") {
          MPI_Allgatherv(
            bytes.baseAddress, Int32(bytes.count), cmpi_byte(), all.baseAddress, lengths, offsets,
            cmpi_byte(), handle)
        }
      }
    }
    try check("MPI_Allgatherv", code)
    return zip(offsets, lengths).map { Array(all[Int($0)..<Int($0) + Int($1)]) }
  }

  package func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) throws(CommunicatorError) {
    let call = "MPI_Alltoallv"
    precondition(
      sendCounts.reduce(0, +) <= send.byteCount && receiveCounts.reduce(0, +) <= receive.byteCount,
      "parts beyond the buffers")
    // Counts and offsets are C ints; in a larger unit they reach further. What travels is bytes in any unit, so each rank
    // may choose its own.
    let unit = MPICounts.unit(for: [sendCounts, receiveCounts])
    var type = cmpi_byte()
    if unit > 1 {
      try check("MPI_Type_contiguous", MPI_Type_contiguous(try narrow(call, unit), cmpi_byte(), &type))
      try check("MPI_Type_commit", MPI_Type_commit(&type))
    }
    defer { if unit > 1 { MPI_Type_free(&type) } }
    let (sendCounts, receiveCounts) = (sendCounts.map { $0 / unit }, receiveCounts.map { $0 / unit })
    let (sendOffsets, _) = try offsets(call, sendCounts)
    let (receiveOffsets, _) = try offsets(call, receiveCounts)
    let code = send.withUnsafeBytes { send in
      receive.withUnsafeMutableBytes { receive in
        watched("MPI_Alltoallv") {
          MPI_Alltoallv(
            send.baseAddress, sendCounts.map { Int32($0) }, sendOffsets, type, receive.baseAddress,
            receiveCounts.map { Int32($0) }, receiveOffsets, type, handle)
        }
      }
    }
    try check(call, code)
  }

  package func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError) {
    let count = sends.count + receives.count
    guard count > 0 else { return }
    // All counts are checked before any message is under way.
    let requestCount = try narrow("MPI_Waitsome", count)
    for message in receives { try requireCInts("MPI_Irecv", message) }
    for message in sends { try requireCInts("MPI_Isend", message) }
    while requests.count < count {
      requests.append(cmpi_request_null())
      statuses.append(MPI_Status())
      completed.append(0)
    }
    var failed: (call: String, code: Int32)?
    requests.withUnsafeMutableBufferPointer { requests in
      var next = 0
      // Receives first: a message that finds its receive posted is not copied twice.
      for message in receives where failed == nil {
        let code = MPI_Irecv(
          message.values.baseAddress, Int32(message.values.count), cmpi_float(), Int32(message.peer),
          Int32(message.tag), handle, &requests[next])
        if code != MPI_SUCCESS { failed = ("MPI_Irecv", code) }
        watchdog?.await(message.peer)
        next += 1
      }
      for message in sends where failed == nil {
        let code = MPI_Isend(
          message.values.baseAddress, Int32(message.values.count), cmpi_float(), Int32(message.peer),
          Int32(message.tag), handle, &requests[next])
        if code != MPI_SUCCESS { failed = ("MPI_Isend", code) }
        watchdog?.await(message.peer)
        next += 1
      }
      guard failed == nil else { return }
      failed = watched("MPI_Waitsome") {
        wait(for: requests, count: requestCount, sends: sends, receives: receives)
      }
    }
    if let failed { try check(failed.call, failed.code) }
  }

  /// Waits for all requests, those of `receives` before those of `sends`, and tells the watchdog who has answered.
  private func wait(
    for requests: UnsafeMutableBufferPointer<MPI_Request?>, count: Int32,
    sends: [Message], receives: [Message]
  ) -> (call: String, code: Int32)? {
    var pending = count
    while pending > 0 {
      var done: Int32 = 0
      let code = MPI_Waitsome(count, requests.baseAddress, &done, &completed, &statuses)
      // Requests were pending, so that none were active would be MPI's own mistake.
      guard code != MPI_SUCCESS || done != MPI_UNDEFINED else { return ("MPI_Waitsome", MPI_ERR_REQUEST) }
      guard code == MPI_SUCCESS else {
        return ("MPI_Waitsome", cause(of: code, in: statuses[..<Int(max(done, 0))]))
      }
      pending -= done
      for index in completed[..<Int(done)].lazy.map(Int.init) {
        let message = index < receives.count ? receives[index] : sends[index - receives.count]
        watchdog?.arrived(message.peer)
      }
    }
    return nil
  }

  package func nodes() throws(CommunicatorError) -> [[Int]] {
    if let node { return node.ranks }
    var group: MPI_Comm?
    let code = watched("MPI_Comm_split_type") {
      MPI_Comm_split_type(handle, cmpi_comm_type_shared(), 0, cmpi_info_null(), &group)
    }
    try check("MPI_Comm_split_type", code)
    if let group { MPI_Comm_set_errhandler(group, cmpi_errors_return()) }
    // A node is known by its first rank.
    var first = Int32(rank)
    try check(
      "MPI_Bcast",
      watched("MPI_Bcast") { MPI_Bcast(&first, Int32(MemoryLayout<Int32>.size), cmpi_byte(), 0, group) })
    let firsts = try allGather(numbers: [Double(first)]).map { Int($0[0]) }
    let groups = Dictionary(grouping: firsts.indices) { firsts[$0] }
    let ranks = groups.keys.sorted().map { groups[$0] ?? [] }
    node = (ranks, group)
    return ranks
  }

  package func obstacle(toSharing byteCount: Int) -> String? {
    // Open MPI puts it there, and would end or hang where it does not fit. Some room is left for messages.
    var info = statvfs()
    guard statvfs("/dev/shm", &info) == 0 else { return nil }
    let free = Int(info.f_bavail) * Int(info.f_frsize)
    let needed = byteCount + byteCount / 8
    guard free < needed else { return nil }
    return "/dev/shm has \(free >> 20) MiB free, expected \(needed >> 20 + 1)"
  }

  package func shareMemory(byteCount: Int) throws(CommunicatorError) -> SharedMemory {
    _ = try nodes()
    var window: MPI_Win?
    var base: UnsafeMutableRawPointer?
    // All of it belongs to the node's first rank; pages lie with the rank that first writes to them.
    let isFirst = node?.ranks.contains { $0.first == rank } ?? false
    let code = watched("MPI_Win_allocate_shared") {
      MPI_Win_allocate_shared(isFirst ? byteCount : 0, 1, cmpi_info_null(), node?.handle, &base, &window)
    }
    try check("MPI_Win_allocate_shared", code)
    var (size, unit): (MPI_Aint, Int32) = (0, 0)
    try check("MPI_Win_shared_query", MPI_Win_shared_query(window, 0, &size, &unit, &base))
    guard let base, size >= byteCount else {
      throw CommunicatorError(
        call: "MPI_Win_shared_query", reason: "\(size) bytes in common, expected \(byteCount)")
    }
    return SharedMemory(base, byteCount: byteCount) { [self] () throws(CommunicatorError) in
      var window = window
      try check("MPI_Win_free", watched("MPI_Win_free") { MPI_Win_free(&window) })
    }
  }

  package func subgroup(of ranks: [Int], tag: Int) throws(CommunicatorError) -> any Communicator {
    guard let own = ranks.firstIndex(of: rank) else {
      preconditionFailure("rank \(rank) is none of \(ranks)")
    }
    guard ranks.count > 1 else { return SingleCommunicator(of: self) }
    let call = "MPI_Comm_create_group"
    let (numbers, count) = (
      try ranks.map { rank throws(CommunicatorError) in try narrow(call, rank) }, ranks.count
    )
    var (all, some, made): (MPI_Group?, MPI_Group?, MPI_Comm?)
    try check("MPI_Comm_group", MPI_Comm_group(handle, &all))
    try check("MPI_Group_incl", MPI_Group_incl(all, try narrow(call, count), numbers, &some))
    defer {
      MPI_Group_free(&all)
      MPI_Group_free(&some)
    }
    let number = try narrow(call, tag)
    try check(call, watched("MPI_Comm_create_group") { MPI_Comm_create_group(handle, some, number, &made) })
    try check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(made, cmpi_errors_return()))
    return MPICommunicator(made, rank: own, names: ranks.map { names[$0] }, stallTimeout: stallTimeout)
  }

  package func release() throws(CommunicatorError) {
    if let node {
      var handle = node.handle
      try freeCommunicator(&handle)
      self.node = nil
    }
    try freeCommunicator(&handle)
  }

  private func freeCommunicator(_ communicator: inout MPI_Comm?) throws(CommunicatorError) {
    let code = watched("MPI_Comm_free") { MPI_Comm_free(&communicator) }
    try check("MPI_Comm_free", code)
  }

  /// The tag of what is posted, far above those of exchanges.
  private static let postTag: Int32 = 30_000

  package func post(_ bytes: [UInt8], to peer: Int) throws(CommunicatorError) {
    let count = try narrow("MPI_Isend", bytes.count)
    try dropSentPosts()
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = buffer.initialize(from: bytes)
    var request: MPI_Request?
    let code = MPI_Isend(
      buffer.baseAddress, count, cmpi_byte(), try narrow("MPI_Isend", peer), Self.postTag, handle, &request)
    posts.append((request, buffer))
    try check("MPI_Isend", code)
  }

  /// Forgets posts that have left.
  private func dropSentPosts() throws(CommunicatorError) {
    for index in posts.indices.reversed() {
      var (isDone, status): (Int32, MPI_Status) = (0, MPI_Status())
      try check("MPI_Test", MPI_Test(&posts[index].request, &isDone, &status))
      if isDone != 0 { posts.remove(at: index).bytes.deallocate() }
    }
  }

  package func collectPosts() throws(CommunicatorError) -> [(sender: Int, bytes: [UInt8])] {
    try dropSentPosts()
    var messages: [(sender: Int, bytes: [UInt8])] = []
    while true {
      var (isThere, count, status): (Int32, Int32, MPI_Status) = (0, 0, MPI_Status())
      try check("MPI_Iprobe", MPI_Iprobe(MPI_ANY_SOURCE, Self.postTag, handle, &isThere, &status))
      guard isThere != 0 else { return messages }
      try check("MPI_Get_count", MPI_Get_count(&status, cmpi_byte(), &count))
      let sender = status.MPI_SOURCE
      var bytes = [UInt8](repeating: 0, count: Int(count))
      let code = watched("MPI_Recv") {
        MPI_Recv(&bytes, count, cmpi_byte(), sender, Self.postTag, handle, &status)
      }
      try check("MPI_Recv", code)
      messages.append((Int(sender), bytes))
    }
  }

  package func wait(for peers: [Int], _ hasArrived: (Int) -> Bool) throws(CommunicatorError) {
    var spin = SpinWait()
    for index in peers.indices {
      while !hasArrived(index) {
        spin.pause()
        if spin.isLong { return waitLong(peers, hasArrived) }
      }
    }
  }

  /// The rest of `wait`, watched.
  private func waitLong(_ peers: [Int], _ hasArrived: (Int) -> Bool) {
    watched("a barrier in shared memory") {
      var isWaiting = true
      while isWaiting {
        isWaiting = false
        for index in peers.indices {
          let isMissing = !hasArrived(index)
          watchdog?.await(peers[index], isMissing)
          if isMissing { isWaiting = true }
        }
        guard isWaiting else { return }
        // MPI goes on with what others still want of this rank only while it is called: a message of a call that has
        // returned here may not have left yet, and whom this rank waits for may wait for it.
        var (flag, status): (Int32, MPI_Status) = (0, MPI_Status())
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, handle, &flag, &status)
        sched_yield()
      }
    }
  }

  package func abort(code: Int32) -> Never {
    MPI_Abort(cmpi_comm_world(), code)
    exit(code)
  }

  package func finalize() {
    for index in posts.indices {
      var status = MPI_Status()
      _ = watched("MPI_Wait") { MPI_Wait(&posts[index].request, &status) }
    }
    _ = watched("MPI_Finalize") { MPI_Finalize() }
  }

  /// MPI counts are C ints.
  private func narrow(_ call: String, _ count: Int) throws(CommunicatorError) -> Int32 {
    guard let narrow = Int32(exactly: count) else {
      throw CommunicatorError(
        call: call, reason: "\(count) elements in one call, expected at most \(Int32.max)")
    }
    return narrow
  }

  /// A message's count, peer and tag are C ints to MPI.
  private func requireCInts(_ call: String, _ message: Message) throws(CommunicatorError) {
    _ = try narrow(call, message.values.count)
    precondition(
      Int32(exactly: message.peer) != nil && Int32(exactly: message.tag) != nil,
      "no rank \(message.peer) or tag \(message.tag)")
  }

  private func offsets(
    _ call: String, _ counts: [Int]
  ) throws(CommunicatorError) -> (offsets: [Int32], total: Int) {
    var total = 0
    var offsets: [Int32] = []
    for count in counts {
      offsets.append(try narrow(call, total))
      total += count
    }
    _ = try narrow(call, total)
    return (offsets, total)
  }
}

/// `MPI_Waitsome` itself only says that some message failed; that message's status says why.
private func cause(of code: Int32, in statuses: ArraySlice<MPI_Status>) -> Int32 {
  guard code == MPI_ERR_IN_STATUS else { return code }
  let failure = statuses.first { $0.MPI_ERROR != MPI_SUCCESS && $0.MPI_ERROR != MPI_ERR_PENDING }
  return failure?.MPI_ERROR ?? code
}

/// Turns a return code into an error with MPI's own words.
private func check(_ call: String, _ code: Int32) throws(CommunicatorError) {
  guard code != MPI_SUCCESS else { return }
  throw CommunicatorError(call: call, code: code, reason: words(for: code))
}

/// MPI's words for an error's code.
private func words(for code: Int32) -> String {
  var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING))
  var length: Int32 = 0
  MPI_Error_string(code, &text, &length)
  return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The world this process was launched into: MPI's where a launcher left its mark in the environment, else a
/// world of one that never starts MPI. A rank that waits for others for more than `stallTimeout` seconds ends.
///
/// - Throws: `CommunicatorError` if MPI cannot be started, or if it sees other processes than the launcher
///   started: one that belongs to another MPI, or knows none, leaves each process in a world of its own.
package func makeWorldCommunicator(
  stallTimeout: Int = StallWatchdog.defaultSeconds
) throws(CommunicatorError) -> any Communicator {
  let marks = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"]
  let isLaunched = marks.contains { getenv($0) != nil }
  let world: any Communicator =
    isLaunched ? try MPICommunicator(stallTimeout: stallTimeout) : SingleCommunicator()
  let variable = { (name: String) in getenv(name).map { String(cString: $0) } }
  if let launched = launchedProcesses(variable), launched.count != world.worldSize,
    launched.isCertain || world.worldSize == 1
  {
    throw CommunicatorError(
      call: "MPI_Init_thread",
      reason: "the launcher says \(launched.name)=\(launched.count), but MPI sees \(world.worldSize); "
        + "use the mpirun of the MPI that this program was built with"
        + (launched.name.hasPrefix("SLURM_") ? ", or srun --mpi=pmix" : ""))
  }
  return world
}

/// How many processes a launcher says it started together with this one, and the variable that says so; nil without a
/// launcher. Not certain is what may be about processes above this one too.
///
/// `variable` gives the values of environment variables.
package func launchedProcesses(
  _ variable: (String) -> String?
) -> (name: String, count: Int, isCertain: Bool)? {
  func count(_ names: [String], isCertain: Bool) -> (name: String, count: Int, isCertain: Bool)? {
    for name in names {
      if let count = variable(name).flatMap({ Int($0) }) { return (name, count, isCertain) }
    }
    return nil
  }
  // Whoever is a rank of mpirun's is none of what started mpirun.
  if let own = count(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"], isCertain: true) { return own }
  // Batch scripts and shells of salloc are steps too, or none: their numbers are those of the job. (slurm.h: special
  // steps have numbers from 0xfffffff0 on.)
  if let step = variable("SLURM_STEP_ID").flatMap({ UInt32($0) }), step < 0xffff_fff0,
    variable("SLURM_PROCID") != nil
  {
    return count(["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"], isCertain: false)
  }
  // Flux, LSF's jsrun, MVAPICH's launchers.
  return count(["FLUX_JOB_SIZE", "JSM_NAMESPACE_SIZE", "MV2_COMM_WORLD_SIZE"], isCertain: false)
}

/// The first of the launcher's variables that is a number.
private func launchedNumber(_ names: [String]) -> Int? {
  names.lazy.compactMap { getenv($0).flatMap { Int(String(cString: $0)) } }.first
}
