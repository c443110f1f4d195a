internal import Collectives
internal import Model
internal import Runs
internal import Tensors

/// Digests steps: each rank of the root's node the elements that it has just changed, which are in its cache.
///
/// The parts are added up behind the barrier that ends a step anyway, and nobody writes its next part before the root has
/// come to the next reduction: so it takes no message and no barrier of its own.
final class StepDigester {
  private let group: NodeGroup
  /// The elements behind the gradient that count: loss, right answers and samples; requests do not.
  private let totals: Int
  /// Two words for each rank of the node, each pair in a cache line of its own.
  private let base: UnsafeMutableRawPointer
  private let isOwned: Bool

  /// Takes its place in the memory that `group` has, `byteCount` of it. Called by all ranks.
  init(group: NodeGroup) {
    self.group = group
    totals = StepTotals.digestedCount
    let byteCount = Self.byteCount(localSize: group.localSize)
    let shared = group.take(byteCount: byteCount)
    isOwned = shared == nil
    base = shared ?? .allocate(byteCount: byteCount, alignment: SharedMemory.alignment)
    for rank in 0..<group.localSize where isOwned { store(StepDigest(gradient: 0, parameters: 0), of: rank) }
  }

  deinit {
    if isOwned { base.deallocate() }
  }

  /// The bytes in common that it takes on a node of so many ranks.
  static func byteCount(localSize: Int) -> Int { localSize * SharedMemory.alignment }

  /// Digests this rank's part of a step, when its part of the update is done: of the sum, which is complete, and of the
  /// parameters, of which it reads what others have changed only where `isComplete`.
  ///
  /// - Throws: what the node's barrier throws, which is needed where the parts of the update are other ones.
  func digest(sum: Span<Float>, state: TrainingState, isComplete: Bool) throws {
    // One node has the root; the others hold the same, which is compared elsewhere.
    guard group.nodeIndex == 0 else { return }
    if !isComplete, !state.optimizer.isElementwise { try group.barrier() }
    let values = state.parameters
    let count = values.count
    let gradient = NHHash.hash(
      sum.extracting(first: count + totals),
      group.part(of: 0..<count + totals, unit: NHHash.groupSize))
    let parameters = NHHash.hash(
      values.span, group.part(of: 0..<count, unit: NHHash.groupSize))
    store(StepDigest(gradient: gradient, parameters: parameters), of: group.localRank)
  }

  /// The digest of the step, behind the barrier that follows `digest`; nil on the nodes that digest nothing.
  func total() -> StepDigest? {
    guard group.nodeIndex == 0 else { return nil }
    var sum = StepDigest(gradient: 0, parameters: 0)
    for rank in 0..<group.localSize {
      let part = (base + rank * SharedMemory.alignment).assumingMemoryBound(to: UInt64.self)
      sum.gradient &+= part[0]
      sum.parameters &+= part[1]
    }
    return sum
  }

  private func store(_ part: StepDigest, of rank: Int) {
    let place = (base + rank * SharedMemory.alignment).bindMemory(to: UInt64.self, capacity: 2)
    (place[0], place[1]) = (part.gradient, part.parameters)
  }
}
