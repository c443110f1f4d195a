internal import CProcessor
internal import Synchronization
package import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The ranks that work in common memory: those of a node, or this rank alone.
package final class NodeGroup {
  /// The ranks of all nodes, each node's in ascending order; nodes in the order of their first ranks.
  package let nodes: [[Int]]
  /// This rank's node.
  package let nodeIndex: Int
  /// This rank's number on its node, and how many there are: Horovod's and torchrun's local rank and local size.
  package let localRank: Int
  package var localSize: Int { ranks.count }
  /// The ranks of this node.
  package var ranks: [Int] { nodes[nodeIndex] }
  /// The first rank of the node speaks for it.
  package var isLeader: Bool { localRank == 0 }
  /// Whether ranks of some node share memory: then all ranks add up in two levels.
  package var isShared: Bool { nodes.contains { $0.count > 1 } }
  /// Whether the ranks of this node are more than the processors they may use.
  package let isCrowded: Bool
  /// Why ranks of a node that could share memory do not, for people; nil where they do or there are none.
  package let obstacle: String?

  private let communicator: any Communicator
  private let memory: SharedMemory?
  /// For each local rank the number of barriers that it has come to.
  private let arrivals: LocalWords?
  private var barrierCount: UInt64 = 0

  private init(
    _ communicator: any Communicator, nodes: [[Int]], memory: SharedMemory?, isCrowded: Bool = false,
    obstacle: String? = nil
  ) {
    self.communicator = communicator
    self.nodes = nodes
    self.memory = memory
    self.isCrowded = isCrowded
    self.obstacle = obstacle
    let rank = communicator.rank
    let index = nodes.firstIndex { $0.contains(rank) } ?? 0
    nodeIndex = index
    localRank = nodes[index].firstIndex(of: rank) ?? 0
    arrivals = memory.map { LocalWords($0, count: nodes[index].count) }
  }

  /// A group of one for each rank: nothing is shared.
  package static func alone(_ communicator: any Communicator, because obstacle: String? = nil) -> NodeGroup {
    NodeGroup(communicator, nodes: (0..<communicator.worldSize).map { [$0] }, memory: nil, obstacle: obstacle)
  }

  /// Groups the ranks by node, with `byteCount(ranks on the node)` bytes of memory in common on each. Called by all ranks.
  ///
  /// Where one node lacks the memory, or no node has two ranks, each rank is a group of its own. Whether ranks are crowded is
  /// found out unless it is said.
  package static func sharing(
    _ communicator: any Communicator, isCrowded: Bool? = nil, byteCount: (Int) -> Int
  ) throws(CommunicatorError) -> NodeGroup {
    let nodes = try communicator.nodes()
    guard nodes.contains(where: { $0.count > 1 }) else { return alone(communicator) }
    let own = nodes.first { $0.contains(communicator.rank) } ?? []
    let bytes = byteCount(own.count) + LocalWords.space(own.count)
    let isLeader = own.count > 1 && own.first == communicator.rank
    let foreseen = isLeader ? communicator.obstacle(toSharing: bytes) : nil
    if let obstacle = try firstObstacle(foreseen, communicator) {
      return alone(communicator, because: obstacle)
    }
    var memory: SharedMemory?
    var met: String?
    do {
      memory =
        own.count > 1 ? try communicator.shareMemory(byteCount: bytes) : SharedMemory(ofOneRank: bytes)
    } catch {
      met = error.description
    }
    if let obstacle = try firstObstacle(met, communicator) { return alone(communicator, because: obstacle) }
    let masks = try communicator.allGather(allowedProcessors())
    let processors = own.reduce(Set<Int>()) { $0.union(processorNumbers(masks[$1])) }
    let isShort = !processors.isEmpty && processors.count < own.count
    return NodeGroup(communicator, nodes: nodes, memory: memory, isCrowded: isCrowded ?? isShort)
  }

  /// What the first rank that met an obstacle says; nil if none did. Called by all ranks.
  private static func firstObstacle(
    _ own: String?, _ communicator: any Communicator
  ) throws(CommunicatorError) -> String? {
    let all = try communicator.allGather(Array((own ?? "").utf8))
    return all.firstIndex { !$0.isEmpty }.map { "rank \($0): \(String(decoding: all[$0], as: UTF8.self))" }
  }

  /// Returns once all ranks of the node have called it.
  @inline(__always)
  package func barrier() throws(CommunicatorError) {
    guard let arrivals else { return }
    barrierCount += 1
    arrivals[localRank].pointee.store(barrierCount, ordering: .releasing)
    for rank in 0..<localSize where arrivals[rank].pointee.load(ordering: .acquiring) < barrierCount {
      let count = barrierCount
      return try communicator.wait(for: ranks) { rank in
        arrivals[rank].pointee.load(ordering: .acquiring) >= count
      }
    }
  }

  /// A zeroed buffer that all ranks of the node see, each of which calls this alike.
  package func makeBuffer(count: Int) -> FloatBuffer {
    memory?.makeBuffer(count: count) ?? FloatBuffer(count: count)
  }

  /// Memory that all ranks of the node see; nil for a rank alone.
  package func take(byteCount: Int) -> UnsafeMutableRawPointer? {
    memory?.take(byteCount: byteCount)
  }

  /// Gives the memory in common back. Called by all ranks of the node, which use nothing any more that lies in it.
  package func release() throws(CommunicatorError) {
    try memory?.release()
  }

  /// A word for each rank of the node; nil for a rank alone.
  func makeWords() -> LocalWords? {
    memory.map { LocalWords($0, count: localSize) }
  }
}

/// An atomic word for each rank of a node, in memory that they share, each in cache lines of its own.
struct LocalWords {
  private let base: UnsafeMutableRawPointer

  /// The bytes of `count` words.
  static func space(_ count: Int) -> Int { count * SharedMemory.alignment }

  init(_ memory: SharedMemory, count: Int) {
    base = memory.take(byteCount: Self.space(count))
  }

  /// The word of a local rank. New memory is zero, which is what an atomic zero looks like.
  @inline(__always)
  subscript(rank: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (base + rank * SharedMemory.alignment).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

/// Waiting for memory to change: briefly in a loop, then by letting others have the processor.
struct SpinWait {
  /// Some microseconds: what a barrier takes when all are awake.
  private static let pauses = 200
  /// Turns after which a wait is a long one.
  private static let longTurns = pauses + 200

  private var turns = 0

  /// Whether it is time to look for reasons.
  var isLong: Bool { turns >= Self.longTurns }

  /// Passes a moment.
  @inline(__always)
  mutating func pause() {
    turns &+= 1
    if turns < Self.pauses { cprocessor_pause() } else { sched_yield() }
  }
}

/// The processors that this process may use, a bit each; none where the system does not tell.
private func allowedProcessors() -> [UInt8] {
  var mask = [UInt8](repeating: 0, count: 128)
  return cprocessor_allowed(&mask, mask.count) ? mask : []
}

private func processorNumbers(_ mask: [UInt8]) -> Set<Int> {
  Set((0..<8 * mask.count).filter { mask[$0 / 8] >> ($0 % 8) & 1 == 1 })
}
