#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The reproducible all-reduce: every rank gets the sum that `ReductionTree` prescribes, to the bit, however
/// many ranks there are.
///
/// Within a rank, leaves are merged into the rank's subtrees like the digits of a binary counter. Across ranks
/// the flat buffer is cut into one slice per rank: each rank sends slice s of its subtrees to rank s, which adds
/// all subtrees in the tree's order; then every rank sends its finished slice to all others. Where ranks hold one
/// subtree each, that moves 2·(P − 1)/P of the buffer per rank, as little as any all-reduce can (Patarasuk,
/// Yuan 2009).
///
/// Buffers are allocated by the first steps and reused by all others.
public final class ReproducibleReduction: GradientReduction {
  public private(set) var ownedLeaves = 0..<0
  public private(set) var lastWaitSeconds = 0.0

  private let communicator: any Communicator
  private let elementCount: Int
  private let maximumLeafCount: Int
  /// The part of the buffer that each rank adds up; boundaries are multiples of a cache line.
  private let slices: [Range<Int>]
  private var plans: [Int: ReductionPlan] = [:]
  private var plan: ReductionPlan
  private var nextLeaf = 0
  private var stack: SubtreeStack
  /// Subtree sums and leaves, by slot of `stack`.
  private var buffers: [FloatStorage] = []
  private var freeBuffers: [Int] = []
  /// This rank's slice of the other ranks' subtrees, by slot of the plan; unused for its own.
  private var received: [FloatStorage?] = []
  private var operands: [UnsafeMutableBufferPointer<Float>] = []
  private var sends: [Message] = []
  private var receives: [Message] = []
  private let result: FloatStorage

  /// Prepares sums of leaves of `elementCount` floats, up to `maximumLeafCount` of them over all ranks.
  public init(communicator: any Communicator, elementCount: Int, maximumLeafCount: Int) {
    self.communicator = communicator
    precondition(elementCount > 0 && maximumLeafCount > 0, "a sum has elements and leaves")
    self.elementCount = elementCount
    self.maximumLeafCount = maximumLeafCount
    let (worldSize, lines) = (communicator.worldSize, (elementCount + 15) / 16)
    slices = (0..<worldSize).map { rank in
      min(
        lines * rank / worldSize * 16, elementCount)..<min(lines * (rank + 1) / worldSize * 16, elementCount)
    }
    plan = ReductionPlan(leafCount: maximumLeafCount, worldSize: worldSize)
    plans[maximumLeafCount] = plan
    stack = SubtreeStack(tree: plan.tree)
    result = FloatStorage(count: worldSize > 1 ? elementCount : 0)
  }

  public func begin(leafCount: Int) {
    precondition(1...maximumLeafCount ~= leafCount, "\(leafCount) leaves of 1...\(maximumLeafCount)")
    if plan.tree.leafCount != leafCount {
      plan = plans[leafCount] ?? ReductionPlan(leafCount: leafCount, worldSize: communicator.worldSize)
      plans[leafCount] = plan
    }
    stack.reset(to: plan.tree)
    ownedLeaves = plan.tree.leaves(of: communicator.rank, worldSize: communicator.worldSize)
    nextLeaf = ownedLeaves.lowerBound
    freeBuffers.removeAll(keepingCapacity: true)
    for slot in buffers.indices.reversed() { freeBuffers.append(slot) }
  }

  public func withNextLeaf(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    precondition(ownedLeaves.contains(nextLeaf), "leaf \(nextLeaf) is not one of this rank's, \(ownedLeaves)")
    let slot = takeBuffer()
    guard let leaf = buffers[slot].values.baseAddress else { preconditionFailure("leaves have elements") }
    body(leaf)
    stack.push(ReductionTree.Node(level: 0, index: nextLeaf), slot) { left, right in
      add(buffers[left].values, buffers[right].values, into: buffers[left].values)
      freeBuffers.append(right)
    }
    nextLeaf += 1
  }

  public func reduce() throws(CommunicatorError) -> UnsafePointer<Float> {
    precondition(nextLeaf == ownedLeaves.upperBound, "leaves from \(nextLeaf) on are missing")
    lastWaitSeconds = 0
    guard communicator.worldSize > 1 else {
      guard stack.count == 1, let sum = buffers[stack.slot(0)].values.baseAddress else {
        preconditionFailure("one rank holds the root")
      }
      return UnsafePointer(sum)
    }
    try exchangeSubtrees()
    addSlice()
    try gatherSlices()
    guard let sum = result.values.baseAddress else { preconditionFailure("sums have elements") }
    return UnsafePointer(sum)
  }

  private func takeBuffer() -> Int {
    if let slot = freeBuffers.popLast() { return slot }
    buffers.append(FloatStorage(count: elementCount))
    return buffers.count - 1
  }

  /// Sends each rank its slice of this rank's subtrees, and receives this rank's slice of theirs.
  private func exchangeSubtrees() throws(CommunicatorError) {
    let rank = communicator.rank
    while received.count < plan.slotCount { received.append(nil) }
    sends.removeAll(keepingCapacity: true)
    receives.removeAll(keepingCapacity: true)
    operands.removeAll(keepingCapacity: true)
    for peer in 0..<communicator.worldSize {
      for index in plan.nodes[peer].indices {
        if peer == rank {
          operands.append(buffers[stack.slot(index)].slice(slices[rank]))
          continue
        }
        let slot = plan.firstSlot[peer] + index
        let storage = received[slot] ?? FloatStorage(count: slices[rank].count)
        received[slot] = storage
        operands.append(storage.values)
        if !storage.values.isEmpty {
          receives.append(Message(peer: peer, tag: index, values: storage.values))
        }
      }
      if peer != rank, !slices[peer].isEmpty {
        for index in 0..<stack.count {
          sends.append(
            Message(peer: peer, tag: index, values: buffers[stack.slot(index)].slice(slices[peer])))
        }
      }
    }
    try exchange()
  }

  /// Adds all subtrees in the tree's order, over this rank's slice.
  private func addSlice() {
    let target = result.slice(slices[communicator.rank])
    guard let last = plan.additions.last else {
      _ = target.update(fromContentsOf: operands[0])
      return
    }
    for addition in plan.additions.dropLast() {
      add(operands[addition.left], operands[addition.right], into: operands[addition.left])
    }
    add(operands[last.left], operands[last.right], into: target)
  }

  /// Sends this rank's finished slice to all others and receives theirs.
  private func gatherSlices() throws(CommunicatorError) {
    let rank = communicator.rank
    sends.removeAll(keepingCapacity: true)
    receives.removeAll(keepingCapacity: true)
    for peer in 0..<communicator.worldSize where peer != rank {
      if !slices[peer].isEmpty {
        receives.append(Message(peer: peer, tag: 0, values: result.slice(slices[peer])))
      }
      if !slices[rank].isEmpty {
        sends.append(Message(peer: peer, tag: 0, values: result.slice(slices[rank])))
      }
    }
    try exchange()
  }

  private func exchange() throws(CommunicatorError) {
    let start = monotonicSeconds()
    var failure: CommunicatorError?
    sends.withUnsafeBufferPointer { sends in
      receives.withUnsafeBufferPointer { receives in
        do throws(CommunicatorError) {
          try communicator.exchange(sends: sends, receives: receives)
        } catch {
          failure = error
        }
      }
    }
    lastWaitSeconds += monotonicSeconds() - start
    if let failure { throw failure }
  }
}

/// Seconds on the machine's monotonic clock.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}
