package import Collectives

/// What a step is made of on one rank, measured.
package struct StepCost: Sendable, Hashable {
  /// Seconds of a micro-batch: forward, backward, adding its gradient.
  package var leafSeconds: Double
  /// Seconds of the optimizer, which every rank spends alike.
  package var updateSeconds: Double
  /// Micro-batches of a step.
  package var leafCount: Int
  /// Floats that the reduction adds up.
  package var elementCount: Int

  /// A step of these figures.
  package init(
    leafSeconds: Double, updateSeconds: Double, leafCount: Int, elementCount: Int
  ) {
    self.leafSeconds = leafSeconds
    self.updateSeconds = updateSeconds
    self.leafCount = leafCount
    self.elementCount = elementCount
  }

  /// Seconds of a step on `ranks` ranks, and of the reduction in it. No more ranks than leaves have work.
  package func step(ranks: Int, model: CostModel, bytesPerElement: Int = 4)
    -> (seconds: Double, reduction: Double, algorithm: ReductionAlgorithm)
  {
    let best = model.best(
      ranks: ranks, elementCount: elementCount, leafCount: leafCount, bytesPerElement: bytesPerElement)
    let leaves = (leafCount + ranks - 1) / ranks
    return (Double(leaves) * leafSeconds + updateSeconds + best.seconds, best.seconds, best.algorithm)
  }
}
