internal import Files
package import Tensors

/// Plain `MPI_Allreduce` over what each rank added up leaf after leaf: the usual way, for comparison. Its bits
/// depend on the number of ranks and on MPI's choice of algorithm.
package final class NativeReduction: GradientReduction {
  package private(set) var ownedLeaves = 0..<0
  package private(set) var lastWaits: [WaitInterval] = []

  private let communicator: any Communicator
  private let sum: FloatBuffer
  private let leaf: FloatBuffer
  private var nextLeaf = 0

  /// Prepares sums of leaves of `elementCount` floats.
  package init(communicator: any Communicator, elementCount: Int) {
    self.communicator = communicator
    sum = FloatBuffer(count: elementCount)
    leaf = FloatBuffer(count: elementCount)
  }

  package func begin(leafCount: Int) {
    precondition(leafCount > 0, "a sum has leaves")
    ownedLeaves = ReductionTree(leafCount: leafCount)
      .leaves(of: communicator.rank, worldSize: communicator.worldSize)
    nextLeaf = ownedLeaves.lowerBound
    if ownedLeaves.isEmpty { sum.clear() }
  }

  package func withNextLeaf(_ body: (inout MutableSpan<Float>) -> Void) {
    precondition(ownedLeaves.contains(nextLeaf), "leaf \(nextLeaf) is not one of this rank's, \(ownedLeaves)")
    let isFirst = nextLeaf == ownedLeaves.lowerBound
    let target = isFirst ? sum : leaf
    var values = target.mutableSpan
    body(&values)
    if !isFirst { add(leaf.pointer, to: sum.pointer, count: sum.count) }
    nextLeaf += 1
  }

  package func reduce() throws(CommunicatorError) -> FloatBuffer {
    precondition(nextLeaf == ownedLeaves.upperBound, "leaves from \(nextLeaf) on are missing")
    let start = MonotonicClock.now()
    let sum = sum
    var values = sum.mutableSpan
    try communicator.allReduceSum(&values)
    lastWaits.removeAll(keepingCapacity: true)
    lastWaits.append(WaitInterval(start: start, end: MonotonicClock.now()))
    return sum
  }
}
