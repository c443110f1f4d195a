internal import Files

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Ranks as threads of one process: a real communicator without MPI, for tests.
package final class InProcessWorld: Sendable {
  private let size: Int
  private let ranksPerNode: Int
  private let stallTimeout: Double?

  /// A world of `size` ranks, so many of which share memory, each of which waits for another for at most `stallTimeout`
  /// seconds; nil for ever.
  package init(size: Int, ranksPerNode: Int = 1, stallTimeout: Double? = nil) {
    precondition(size > 0 && ranksPerNode > 0, "a world has at least one rank, and so has a node")
    self.size = size
    self.ranksPerNode = ranksPerNode
    self.stallTimeout = stallTimeout
  }

  /// Runs `body` once per rank, each on a thread of its own, and returns what they returned, by rank.
  ///
  /// - Throws: the error of the first rank that threw. A rank that waits for one that threw, or for one that has
  ///   returned, or that leaves it waiting for too long, gets a `CommunicatorError`.
  package func run<Value: Sendable>(
    _ body: @escaping @Sendable (any Communicator) throws -> Value
  ) throws -> [Value] {
    let hub = Mailboxes(rankCount: size, limit: stallTimeout)
    let results = Results<Value>(count: size)
    let threads = (0..<size).map { rank in
      startThread { [hub, size, ranksPerNode] in
        let result = Result {
          try body(
            InProcessCommunicator(rank: rank, worldSize: size, ranksPerNode: ranksPerNode, mailboxes: hub))
        }
        if case .failure = result { hub.breakDown(rank: rank) }
        hub.finish(rank: rank)
        results.values[rank] = result
      }
    }
    for thread in threads { pthread_join(thread, nil) }
    if let rank = hub.brokenRank { _ = try results.values[rank]?.get() }
    return try results.values.compactMap { try $0?.get() }
  }

  /// Each rank writes its own element, and all are read after the threads ended.
  private final class Results<Value: Sendable>: @unchecked Sendable {
    let values: UnsafeMutableBufferPointer<Result<Value, any Error>?>

    init(count: Int) {
      values = .allocate(capacity: count)
      values.initialize(repeating: nil)
    }

    deinit {
      values.deinitialize()
      values.deallocate()
    }
  }
}

/// One rank of an `InProcessWorld`: every call is a set of messages through mailboxes.
final class InProcessCommunicator: Communicator {
  let rank: Int
  var worldSize: Int { members.count }
  /// The threads that are its ranks, and what tells its messages from those of other communicators.
  private let members: [Int]
  private let context: Int
  private let ranksPerNode: Int
  private let mailboxes: Mailboxes
  private var phase: StaticString = "the start"
  private var step = 0

  /// Tags of collective calls, which `Message.tag` does not use.
  private static let collective = -1
  /// The tag of what is posted.
  private static let posted = -2

  convenience init(rank: Int, worldSize: Int, ranksPerNode: Int = 1, mailboxes: Mailboxes) {
    self.init(
      rank: rank, members: Array(0..<worldSize), context: 0, ranksPerNode: ranksPerNode, mailboxes: mailboxes)
  }

  private init(rank: Int, members: [Int], context: Int, ranksPerNode: Int, mailboxes: Mailboxes) {
    self.rank = rank
    self.members = members
    self.context = context
    self.ranksPerNode = ranksPerNode
    self.mailboxes = mailboxes
  }

  func barrier() throws(CommunicatorError) {
    _ = try allGather([])
  }

  func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CommunicatorError) {
    if rank == root {
      let all = bytes.withUnsafeBytes { Array($0) }
      for peer in 0..<worldSize where peer != root { send(all, to: peer, Self.collective) }
    } else {
      let all = try receive(from: root, Self.collective)
      bytes.withUnsafeMutableBytes { $0.copyBytes(from: all) }
    }
  }

  func allReduceSum(_ values: inout MutableSpan<Float>) throws(CommunicatorError) {
    let all = try allGather(values.span.withUnsafeBytes { Array($0) })
    values.update(repeating: 0)
    for bytes in all {
      bytes.withUnsafeBytes { source in
        for i in values.indices {
          values[i] += source.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
        }
      }
    }
  }

  func allReduceSum(_ values: inout [Int64]) throws(CommunicatorError) {
    let all = try allGather(values.withUnsafeBytes { Array($0) })
    for i in values.indices {
      values[i] = all.reduce(0) { sum, bytes in
        sum + bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self) }
      }
    }
  }

  func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]] {
    for peer in 0..<worldSize { send(bytes, to: peer, Self.collective) }
    var all: [[UInt8]] = []
    for peer in 0..<worldSize { all.append(try receive(from: peer, Self.collective)) }
    return all
  }

  func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) throws(CommunicatorError) {
    var offset = 0
    for (peer, count) in sendCounts.enumerated() {
      let part = send.extracting(offset..<offset + count).withUnsafeBytes { Array($0) }
      self.send(part, to: peer, Self.collective)
      offset += count
    }
    offset = 0
    for (peer, count) in receiveCounts.enumerated() {
      let bytes = try self.receive(from: peer, Self.collective)
      precondition(bytes.count == count, "rank \(peer) sent \(bytes.count) bytes, expected \(count)")
      receive.withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[offset..<offset + count]).copyBytes(from: bytes)
      }
      offset += count
    }
  }

  func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError) {
    for message in sends {
      send(Array(UnsafeRawBufferPointer(message.values)), to: message.peer, message.tag)
    }
    for message in receives {
      let bytes = try receive(from: message.peer, message.tag)
      let target = UnsafeMutableRawBufferPointer(message.values)
      precondition(bytes.count == target.count, "\(bytes.count) bytes for \(target.count)")
      target.copyBytes(from: bytes)
    }
  }

  func nodes() -> [[Int]] {
    let ranks = Dictionary(grouping: members.indices) { members[$0] / ranksPerNode }
    return ranks.values.map { $0.sorted() }.sorted { $0[0] < $1[0] }
  }

  func subgroup(of ranks: [Int], tag: Int) throws(CommunicatorError) -> any Communicator {
    guard let own = ranks.firstIndex(of: rank) else {
      preconditionFailure("rank \(rank) is none of \(ranks)")
    }
    return InProcessCommunicator(
      rank: own, members: ranks.map { members[$0] }, context: context &* 1_000_003 &+ tag &+ 1,
      ranksPerNode: ranksPerNode, mailboxes: mailboxes)
  }

  func post(_ bytes: [UInt8], to peer: Int) {
    send(bytes, to: peer, Self.posted)
  }

  func collectPosts() throws(CommunicatorError) -> [(sender: Int, bytes: [UInt8])] {
    var messages: [(sender: Int, bytes: [UInt8])] = []
    for peer in members.indices {
      while let bytes = try mailboxes.takeArrived(address(from: peer, to: rank, Self.posted)) {
        messages.append((peer, bytes))
      }
    }
    return messages
  }

  func obstacle(toSharing byteCount: Int) -> String? { nil }

  func shareMemory(byteCount: Int) throws(CommunicatorError) -> SharedMemory {
    let node = nodes().first { $0.contains(rank) } ?? [rank]
    let leader = node[0]
    if rank == leader {
      let memory = ProcessMemory(byteCount: byteCount)
      for peer in node.dropFirst() {
        let address = UInt(bitPattern: Unmanaged.passRetained(memory).toOpaque())
        send(withUnsafeBytes(of: address) { Array($0) }, to: peer, Self.collective)
      }
      return SharedMemory(memory.base, byteCount: byteCount, owner: memory)
    }
    let bytes = try receive(from: leader, Self.collective)
    let address = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt.self) }
    guard let pointer = UnsafeRawPointer(bitPattern: address) else { preconditionFailure("no memory") }
    let memory = Unmanaged<ProcessMemory>.fromOpaque(pointer).takeRetainedValue()
    return SharedMemory(memory.base, byteCount: byteCount, owner: memory)
  }

  func wait(for peers: [Int], _ hasArrived: (Int) -> Bool) throws(CommunicatorError) {
    let limit = mailboxes.limit.map { MonotonicClock.now() + $0 }
    var spin = SpinWait()
    for index in peers.indices {
      while !hasArrived(index) {
        spin.pause()
        guard spin.isLong else { continue }
        let peer = members[peers[index]]
        // A peer may have arrived and returned since. Sentences take memory, and a step allocates nothing.
        if !mailboxes.isAwaitable(peer), !hasArrived(index), let reason = mailboxes.reasonNotToWait(for: peer)
        {
          throw CommunicatorError(call: "wait", reason: reason)
        }
        if let limit, MonotonicClock.now() > limit { throw noAnswer(from: peers[index]) }
        // Threads are more than cores: those that wait long make room.
        usleep(50)
      }
    }
  }

  func abort(code: Int32) -> Never {
    exit(code)
  }

  func finalize() {}

  func willEnter(_ phase: StaticString, step: Int) {
    (self.phase, self.step) = (phase, step)
  }

  private func send(_ bytes: [UInt8], to peer: Int, _ tag: Int) {
    mailboxes.put(bytes, address(from: rank, to: peer, tag))
  }

  private func address(from sender: Int, to receiver: Int, _ tag: Int) -> Mailboxes.Address {
    Mailboxes.Address(from: members[sender], to: members[receiver], tag: tag, context: context)
  }

  private func receive(from peer: Int, _ tag: Int) throws(CommunicatorError) -> [UInt8] {
    if let bytes = try mailboxes.take(address(from: peer, to: rank, tag)) { return bytes }
    throw noAnswer(from: peer)
  }

  private func noAnswer(from peer: Int) -> CommunicatorError {
    let place = step > 0 ? "\(phase) of step \(step)" : "\(phase)"
    return CommunicatorError(call: "receive", reason: "no answer from rank \(members[peer]) in \(place)")
  }
}

/// Queues of messages between threads.
final class Mailboxes: @unchecked Sendable {
  /// Messages of the same address are delivered in the order in which they were sent.
  struct Address: Hashable {
    var from: Int
    var to: Int
    var tag: Int
    /// The communicator's.
    var context: Int
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// One for each rank, which alone waits for it.
  private let conditions: UnsafeMutableBufferPointer<pthread_cond_t>
  private var queues: [Address: [[UInt8]]] = [:]
  private var broken: Int?
  private var isFinished: [Bool]

  /// Seconds that a rank waits for a message; nil for ever.
  let limit: Double?

  init(rankCount: Int, limit: Double? = nil) {
    self.limit = limit
    isFinished = Array(repeating: false, count: rankCount)
    pthread_mutex_init(mutex, nil)
    conditions = .allocate(capacity: rankCount)
    for rank in 0..<rankCount { pthread_cond_init(condition(of: rank), nil) }
  }

  deinit {
    for rank in conditions.indices { pthread_cond_destroy(condition(of: rank)) }
    pthread_mutex_destroy(mutex)
    conditions.deallocate()
    mutex.deallocate()
  }

  /// The first rank that broke down.
  var brokenRank: Int? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return broken
  }

  /// Whether a rank that waits for `rank` may get what it waits for.
  func isAwaitable(_ rank: Int) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return broken == nil && !isFinished[rank]
  }

  /// Why a rank that waits for `rank` would wait in vain; nil where it would not.
  func reasonNotToWait(for rank: Int) -> String? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let broken { return "rank \(broken) failed" }
    return isFinished[rank] ? "rank \(rank) returned without arriving" : nil
  }

  /// Wakes all waiting ranks with an error.
  func breakDown(rank: Int) {
    pthread_mutex_lock(mutex)
    broken = broken ?? rank
    wakeAll()
    pthread_mutex_unlock(mutex)
  }

  /// Says that `rank` will send no more, and wakes those that wait for it.
  func finish(rank: Int) {
    pthread_mutex_lock(mutex)
    isFinished[rank] = true
    wakeAll()
    pthread_mutex_unlock(mutex)
  }

  func put(_ bytes: [UInt8], _ address: Address) {
    pthread_mutex_lock(mutex)
    queues[address, default: []].append(bytes)
    pthread_cond_signal(condition(of: address.to))
    pthread_mutex_unlock(mutex)
  }

  /// The next message of that address, once it is there; nil if it has not come within the limit.
  func take(_ address: Address) throws(CommunicatorError) -> [UInt8]? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var deadline = timespec()
    if let limit {
      clock_gettime(CLOCK_REALTIME, &deadline)
      let nanoseconds = deadline.tv_nsec + Int((limit - limit.rounded(.down)) * 1e9)
      deadline.tv_sec += Int(limit) + nanoseconds / 1_000_000_000
      deadline.tv_nsec = nanoseconds % 1_000_000_000
    }
    while queues[address]?.isEmpty ?? true {
      if let broken { throw CommunicatorError(call: "receive", reason: "rank \(broken) failed") }
      if isFinished[address.from] {
        throw CommunicatorError(call: "receive", reason: "rank \(address.from) returned without sending")
      }
      if limit == nil {
        pthread_cond_wait(condition(of: address.to), mutex)
      } else if pthread_cond_timedwait(condition(of: address.to), mutex, &deadline) == ETIMEDOUT {
        return nil
      }
    }
    return queues[address]?.removeFirst() ?? []
  }

  /// The next message of that address if it is there.
  func takeArrived(_ address: Address) throws(CommunicatorError) -> [UInt8]? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let broken { throw CommunicatorError(call: "receive", reason: "rank \(broken) failed") }
    return queues[address]?.isEmpty ?? true ? nil : queues[address]?.removeFirst()
  }

  private func condition(of rank: Int) -> UnsafeMutablePointer<pthread_cond_t> {
    guard let first = conditions.baseAddress else { preconditionFailure("a world has ranks") }
    return first + rank
  }

  private func wakeAll() {
    for rank in conditions.indices { pthread_cond_signal(condition(of: rank)) }
  }
}

/// Runs `body` on a new thread.
private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { argument in
      if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  precondition(code == 0, "no thread for a rank: error \(code)")
  return thread
}
