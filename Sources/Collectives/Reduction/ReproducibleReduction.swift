internal import Files
package import Tensors

/// The reproducible all-reduce: every rank gets the sum that `ReductionTree` prescribes, to the bit, however
/// many ranks there are.
///
/// Within a rank, leaves are merged into the rank's subtrees like the digits of a binary counter. Across ranks a
/// `ReductionSchedule` brings the subtrees together. Which algorithm's is quicker depends on the network, the number
/// of ranks and the size of the buffer, and makes no other difference: the first steps try both.
///
/// Buffers are allocated by the first steps and reused by all others.
package final class ReproducibleReduction: GradientReduction {
  package private(set) var ownedLeaves = 0..<0
  package private(set) var lastWaits: [WaitInterval] = []

  private let communicator: any Communicator
  private let elementCount: Int
  private let maximumLeafCount: Int
  private let format: ElementFormat
  private var choice: AlgorithmChoice
  private var runners: [RunnerKey: ScheduleRunner] = [:]
  private var tree: ReductionTree
  private var nextLeaf = 0
  private var stack: SubtreeStack
  /// Subtree sums and leaves, by slot of `stack`.
  private var buffers: [FloatBuffer] = []
  private var freeBuffers: [Int] = []
  private let result: FloatBuffer

  private struct RunnerKey: Hashable {
    var leafCount: Int
    var algorithm: ReductionAlgorithm
  }

  /// Prepares sums of leaves of `elementCount` floats, up to `maximumLeafCount` of them over all ranks.
  ///
  /// Sums are of `format`, but for the last `exactCount` elements, which are `float32` always. Without an `algorithm`
  /// the quicker one is found by trying.
  package init(
    communicator: any Communicator, elementCount: Int, maximumLeafCount: Int,
    format: GradientFormat = .float32, exactCount: Int = 0, algorithm: ReductionAlgorithm? = nil
  ) {
    self.communicator = communicator
    precondition(elementCount > 0 && maximumLeafCount > 0, "a sum has elements and leaves")
    self.elementCount = elementCount
    self.maximumLeafCount = maximumLeafCount
    self.format = ElementFormat(format, elementCount: elementCount, exactCount: exactCount)
    choice = AlgorithmChoice(algorithm, worldSize: communicator.worldSize)
    tree = ReductionTree(leafCount: maximumLeafCount)
    stack = SubtreeStack(tree: tree)
    result = FloatBuffer(count: communicator.worldSize > 1 ? elementCount : 0)
  }

  package func begin(leafCount: Int) {
    precondition(1...maximumLeafCount ~= leafCount, "\(leafCount) leaves of 1...\(maximumLeafCount)")
    if tree.leafCount != leafCount { tree = ReductionTree(leafCount: leafCount) }
    stack.reset(to: tree)
    ownedLeaves = tree.leaves(of: communicator.rank, worldSize: communicator.worldSize)
    nextLeaf = ownedLeaves.lowerBound
    freeBuffers.removeAll(keepingCapacity: true)
    for slot in buffers.indices.reversed() { freeBuffers.append(slot) }
  }

  package func withNextLeaf(_ body: (inout MutableSpan<Float>) -> Void) {
    precondition(ownedLeaves.contains(nextLeaf), "leaf \(nextLeaf) is not one of this rank's, \(ownedLeaves)")
    let slot = takeBuffer()
    let leaf = buffers[slot]
    var values = leaf.mutableSpan
    body(&values)
    format.round(leaf.elements, first: 0)
    stack.push(ReductionTree.Node(level: 0, index: nextLeaf), slot) { left, right in
      format.add(
        buffers[left].elements, buffers[right].elements, into: buffers[left].elements, first: 0)
      freeBuffers.append(right)
    }
    nextLeaf += 1
  }

  package func reduce() throws(CommunicatorError) -> FloatBuffer {
    precondition(nextLeaf == ownedLeaves.upperBound, "leaves from \(nextLeaf) on are missing")
    lastWaits.removeAll(keepingCapacity: true)
    guard communicator.worldSize > 1 else {
      precondition(stack.count == 1, "one rank holds the root")
      return buffers[stack.slot(0)]
    }
    // Halving knows nobody who has no leaf.
    let canHalve = tree.leafCount >= communicator.worldSize
    let algorithm = canHalve ? choice.next : .direct
    let runner = runner(algorithm)
    communicator.willWaitInChains(algorithm == .halving)
    defer { communicator.willWaitInChains(false) }
    let start = MonotonicClock.now()
    try runner.run(noting: &lastWaits) { buffers[stack.slot($0)] }
    if canHalve { try choice.record(MonotonicClock.now() - start, communicator) }
    return result
  }

  private func takeBuffer() -> Int {
    if let slot = freeBuffers.popLast() { return slot }
    buffers.append(FloatBuffer(count: elementCount))
    return buffers.count - 1
  }

  private func runner(_ algorithm: ReductionAlgorithm) -> ScheduleRunner {
    let key = RunnerKey(leafCount: tree.leafCount, algorithm: algorithm)
    if let runner = runners[key] { return runner }
    let (worldSize, rank) = (communicator.worldSize, communicator.rank)
    let schedule: ReductionSchedule =
      switch algorithm {
      case .direct:
        .direct(tree: tree, worldSize: worldSize, rank: rank, elementCount: elementCount)
      case .halving:
        .halving(tree: tree, worldSize: worldSize, rank: rank, elementCount: elementCount)
      }
    let runner = ScheduleRunner(schedule, communicator: communicator, format: format, result: result)
    runners[key] = runner
    return runner
  }
}

/// Finds the quicker algorithm by trying each a few times, on all ranks alike.
private struct AlgorithmChoice {
  /// The first try of each allocates its buffers and opens connections.
  private static let triesOfEach = 6

  /// The algorithm of the next reduction.
  private(set) var next: ReductionAlgorithm
  /// Seconds of each try, algorithms in turns; nil once the choice is made.
  private var tries: [Double]?

  init(_ algorithm: ReductionAlgorithm?, worldSize: Int) {
    next = algorithm ?? .direct
    // Two ranks send each other the same two messages either way.
    if algorithm == nil, worldSize > 2 { tries = [] }
  }

  /// Takes note of how long `next` took, and decides after the last try. Called by all ranks.
  mutating func record(_ seconds: Double, _ communicator: any Communicator) throws(CommunicatorError) {
    guard var tries else { return }
    tries.append(seconds)
    let algorithms = ReductionAlgorithm.allCases
    guard tries.count == Self.triesOfEach * algorithms.count else {
      next = algorithms[tries.count % algorithms.count]
      self.tries = tries
      return
    }
    // Who arrives last at a reduction waits for nobody: the least of all ranks' times is the reduction's own.
    let times = try communicator.allGather(numbers: tries)
    let medians = algorithms.indices.map { algorithm in
      let own = stride(from: algorithm + algorithms.count, to: tries.count, by: algorithms.count)
        .map { index in times.map { $0[index] }.min() ?? 0 }
        .sorted()
      return own[own.count / 2]
    }
    next = algorithms[medians.indices.min { medians[$0] < medians[$1] } ?? 0]
    self.tries = nil
  }
}
