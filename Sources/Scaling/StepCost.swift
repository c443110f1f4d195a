package import Collectives

/// What a step is made of on one rank, measured.
package struct StepCost: Sendable, Hashable {
  /// Seconds of a micro-batch: forward, backward, adding its gradient.
  package var leafSeconds: Double
  /// Seconds of the optimizer on one rank.
  package var updateSeconds: Double
  /// Micro-batches of a step.
  package var leafCount: Int
  /// Floats that the reduction adds up.
  package var elementCount: Int
  /// How fast each rank of a node is.
  package var coreSpeeds: CoreSpeeds
  /// How a node's ranks share the optimizer's work.
  package var updateDivision: UpdateDivision

  /// A step of these figures.
  package init(
    leafSeconds: Double, updateSeconds: Double, leafCount: Int, elementCount: Int,
    coreSpeeds: CoreSpeeds = .alike, updateDivision: UpdateDivision = .none
  ) {
    self.leafSeconds = leafSeconds
    self.updateSeconds = updateSeconds
    self.leafCount = leafCount
    self.elementCount = elementCount
    self.coreSpeeds = coreSpeeds
    self.updateDivision = updateDivision
  }

  /// Seconds of a step on `ranks` ranks, and of the reduction in it, with the algorithm between nodes: nil on
  /// one node. No more ranks than leaves have work.
  package func step(
    ranks: Int, model: CostModel, dealing deal: StepSimulation.Deal = .equal, bytesPerElement: Int = 4
  ) -> (seconds: Double, reduction: Double, algorithm: ReductionAlgorithm?) {
    let reduction = model.twoLevelReduction(
      ranks: ranks, elementCount: elementCount, leafCount: leafCount, bytesPerElement: bytesPerElement)
    let update = updateDivision.seconds(
      alone: updateSeconds, ranks: min(ranks, model.ranksPerNode), window: model.window)
    let compute = computeSeconds(ranks: ranks, ranksPerNode: model.ranksPerNode, dealing: deal)
    return (compute + update + reduction.seconds, reduction.seconds, reduction.algorithm)
  }

  /// Seconds until the last rank of the slowest node has computed; leaves change hands within a node only.
  private func computeSeconds(ranks: Int, ranksPerNode: Int, dealing deal: StepSimulation.Deal) -> Double {
    let tree = ReductionTree(leafCount: leafCount)
    // Most nodes have the same shares: each kind is simulated once.
    var seen: Set<[Int]> = []
    var longest = 0.0
    for first in stride(from: 0, to: ranks, by: ranksPerNode) {
      let shares = (first..<min(first + ranksPerNode, ranks))
        .map { tree.leaves(of: $0, worldSize: ranks).count }
      guard seen.insert(shares).inserted else { continue }
      let simulation = StepSimulation(
        leafSeconds: shares.indices.map { leafSeconds / coreSpeeds[$0] }, shares: shares)
      longest = max(longest, simulation.step(dealing: deal).seconds)
    }
    return longest
  }
}
