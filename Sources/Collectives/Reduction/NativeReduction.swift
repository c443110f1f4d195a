internal import Files

/// Plain `MPI_Allreduce` over what each rank added up leaf after leaf: the usual way, for comparison. Its bits
/// depend on the number of ranks and on MPI's choice of algorithm.
public final class NativeReduction: GradientReduction {
  public private(set) var ownedLeaves = 0..<0
  public private(set) var lastWaits: [WaitInterval] = []

  private let communicator: any Communicator
  private let sum: FloatStorage
  private let leaf: FloatStorage
  private var nextLeaf = 0

  /// Prepares sums of leaves of `elementCount` floats.
  public init(communicator: any Communicator, elementCount: Int) {
    self.communicator = communicator
    sum = FloatStorage(count: elementCount)
    leaf = FloatStorage(count: elementCount)
  }

  public func begin(leafCount: Int) {
    precondition(leafCount > 0, "a sum has leaves")
    ownedLeaves = ReductionTree(leafCount: leafCount)
      .leaves(of: communicator.rank, worldSize: communicator.worldSize)
    nextLeaf = ownedLeaves.lowerBound
    if ownedLeaves.isEmpty { sum.values.update(repeating: 0) }
  }

  public func withNextLeaf(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    precondition(ownedLeaves.contains(nextLeaf), "leaf \(nextLeaf) is not one of this rank's, \(ownedLeaves)")
    let isFirst = nextLeaf == ownedLeaves.lowerBound
    guard let target = (isFirst ? sum : leaf).values.baseAddress else {
      preconditionFailure("leaves have elements")
    }
    body(target)
    if !isFirst { add(sum.values, leaf.values, into: sum.values) }
    nextLeaf += 1
  }

  public func reduce() throws(CommunicatorError) -> UnsafePointer<Float> {
    precondition(nextLeaf == ownedLeaves.upperBound, "leaves from \(nextLeaf) on are missing")
    let start = MonotonicClock.now()
    try communicator.allReduceSum(sum.values)
    lastWaits.removeAll(keepingCapacity: true)
    lastWaits.append(WaitInterval(start: start, end: MonotonicClock.now()))
    guard let sum = sum.values.baseAddress else { preconditionFailure("sums have elements") }
    return UnsafePointer(sum)
  }
}
