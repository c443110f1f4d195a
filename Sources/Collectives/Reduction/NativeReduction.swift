internal import Files
package import Tensors

/// Plain `MPI_Allreduce`, or a user's own function, over what each rank added up leaf after leaf: the usual way, for
/// comparison. Its bits depend on the number of ranks and on the algorithm that is chosen.
package final class NativeReduction: GradientReduction {
  package private(set) var lastWaits: [WaitInterval] = []

  private let communicator: any Communicator
  private let plugin: ReductionPlugin?
  private let sum: FloatBuffer
  private let leaf: FloatBuffer
  private var cursor = LeafCursor()
  private var isFirst = true
  package private(set) var work = LeafWork()
  package var division: LeafDivision {
    didSet { leaves = (0, []) }
  }
  private var leaves: (count: Int, ofRanks: [Range<Int>]) = (0, [])

  /// Prepares sums of leaves of `elementCount` floats, over the ranks by `plugin` if there is one.
  package init(communicator: any Communicator, elementCount: Int, plugin: ReductionPlugin? = nil) {
    self.communicator = communicator
    self.plugin = plugin
    division = LeafDivision(worldSize: communicator.worldSize)
    sum = FloatBuffer(count: elementCount)
    leaf = FloatBuffer(count: elementCount)
  }

  package func begin(leafCount: Int) {
    precondition(leafCount > 0, "a sum has leaves")
    if leaves.count != leafCount { leaves = (leafCount, division.leavesOfRanks(leafCount)) }
    let leaves = leaves.ofRanks[communicator.rank]
    cursor.begin(leaves)
    isFirst = true
    if leaves.isEmpty { sum.clear() }
  }

  package func takeLeaf() -> Int? { cursor.take(&work) }

  package func withLeaf(_ body: (inout MutableSpan<Float>) -> Void) {
    _ = cursor.finish(&work)
    let target = isFirst ? sum : leaf
    var values = target.mutableSpan
    body(&values)
    if !isFirst { add(leaf.pointer, to: sum.pointer, count: sum.count) }
    isFirst = false
  }

  package func reduce() throws(CommunicatorError) -> FloatBuffer {
    cursor.requireEnd()
    let start = MonotonicClock.now()
    let sum = sum
    var values = sum.mutableSpan
    if let plugin {
      try communicator.allReduceSum(&values, by: plugin)
    } else {
      try communicator.allReduceSum(&values)
    }
    lastWaits.removeAll(keepingCapacity: true)
    lastWaits.append(WaitInterval(start: start, end: MonotonicClock.now()))
    return sum
  }
}
