package import Tensors

/// The reproducible all-reduce of ranks that share no memory: every rank gets the sum that `ReductionTree` prescribes, to
/// the bit, however many ranks there are.
///
/// Within a rank, leaves are merged into the rank's subtrees like the digits of a binary counter. Across ranks a
/// `SubtreeExchange` brings the subtrees together.
///
/// Buffers are allocated by the first steps and reused by all others.
package final class ReproducibleReduction: GradientReduction {
  package private(set) var lastWaits: [WaitInterval] = []
  package private(set) var work = LeafWork()
  /// Who is dealt which leaves from the next step on: the same on all ranks.
  package var division: LeafDivision {
    didSet {
      guard division != oldValue else { return }
      leavesOfRanks = division.leavesOfRanks(tree.leafCount)
      exchange.forget()
    }
  }

  private let communicator: any Communicator
  private let elementCount: Int
  private let maximumLeafCount: Int
  private let format: ElementFormat
  private let exchange: SubtreeExchange
  private var leavesOfRanks: [Range<Int>]
  private var tree: ReductionTree
  private var cursor = LeafCursor()
  private var stack: SubtreeStack
  /// Subtree sums and leaves, by slot of `stack`.
  private var buffers: [FloatBuffer] = []
  private var freeBuffers: [Int] = []
  private let result: FloatBuffer

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
    division = LeafDivision(worldSize: communicator.worldSize)
    tree = ReductionTree(leafCount: maximumLeafCount)
    leavesOfRanks = division.leavesOfRanks(maximumLeafCount)
    stack = SubtreeStack(tree: tree)
    result = FloatBuffer(count: communicator.worldSize > 1 ? elementCount : 0)
    exchange = SubtreeExchange(
      communicator: communicator, parties: Array(0..<communicator.worldSize), elementCount: elementCount,
      format: self.format, algorithm: algorithm, result: result)
  }

  package func begin(leafCount: Int) {
    precondition(1...maximumLeafCount ~= leafCount, "\(leafCount) leaves of 1...\(maximumLeafCount)")
    if tree.leafCount != leafCount {
      tree = ReductionTree(leafCount: leafCount)
      leavesOfRanks = division.leavesOfRanks(leafCount)
    }
    stack.reset(to: tree)
    cursor.begin(leavesOfRanks[communicator.rank])
    freeBuffers.removeAll(keepingCapacity: true)
    for slot in buffers.indices.reversed() { freeBuffers.append(slot) }
  }

  package func takeLeaf() -> Int? { cursor.take(&work) }

  package func withLeaf(_ body: (inout MutableSpan<Float>) -> Void) {
    let index = cursor.finish(&work)
    let slot = takeBuffer()
    let leaf = buffers[slot]
    var values = leaf.mutableSpan
    body(&values)
    format.round(leaf.elements, first: 0)
    stack.push(ReductionTree.Node(level: 0, index: index), slot) { left, right in
      format.add(
        buffers[left].elements, buffers[right].elements, into: buffers[left].elements, first: 0)
      freeBuffers.append(right)
    }
  }

  package func reduce() throws(CommunicatorError) -> FloatBuffer {
    cursor.requireEnd()
    lastWaits.removeAll(keepingCapacity: true)
    guard communicator.worldSize > 1 else {
      precondition(stack.count == 1, "one rank holds the root")
      return buffers[stack.slot(0)]
    }
    try exchange.run(tree: tree, leaves: leavesOfRanks, noting: &lastWaits) { buffers[stack.slot($0)] }
    return result
  }

  private func takeBuffer() -> Int {
    if let slot = freeBuffers.popLast() { return slot }
    buffers.append(FloatBuffer(count: elementCount))
    return buffers.count - 1
  }
}
