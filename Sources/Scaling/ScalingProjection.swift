package import Collectives

/// A scaling curve computed from one rank's measured times and the network's figures.
package struct ScalingProjection: Hashable, Sendable {
  /// One number of ranks on the curve.
  package struct Row: Hashable, Sendable {
    /// The world size.
    package var ranks: Int
    /// Nodes that these ranks fill.
    package var nodes: Int
    /// Samples of a step over all ranks.
    package var globalBatch: Int
    /// Seconds of a step, the reduction included.
    package var stepSeconds: Double
    /// Seconds of the reduction in a step.
    package var reductionSeconds: Double
    /// The quicker algorithm, which the reduction uses.
    package var algorithm: ReductionAlgorithm
    /// Training images per second over all ranks.
    package var imagesPerSecond: Double
    /// Images per second over those of one rank.
    package var speedUp: Double
    /// The part of the ideal speed-up that is reached, 0...1.
    package var efficiency: Double
    /// The same with gradient sums that travel as bfloat16.
    package var bfloat16Efficiency: Double
  }

  /// How the problem grows with the ranks.
  package let mode: ScalingPoint.Mode
  /// For 1, 2, 4, … ranks.
  package let rows: [Row]
  /// The micro-batches of one rank's step.
  package let leafCount: Int
  /// Whether the curve ends before the ranks asked for, since more of them would have no work.
  package let endsForLackOfWork: Bool

  /// Computes the curve up to `most` ranks. `alone` is one rank, measured; a step has micro-batches of
  /// `microBatch` samples, and reduces `elementCount` floats.
  package init(alone: ScalingPoint, microBatch: Int, elementCount: Int, model: CostModel, most: Int) {
    mode = alone.mode
    leafCount = (alone.globalBatch + microBatch - 1) / microBatch
    let stepSeconds = Double(alone.globalBatch) / alone.spread(\.imagesPerSecond).median
    let updateSeconds = stepSeconds * alone.spread(\.update).median
    var rows: [Row] = []
    var ranks = 1
    while ranks <= most {
      let growth = mode == .weak ? ranks : 1
      guard leafCount * growth >= ranks else { break }
      let cost = StepCost(
        leafSeconds: (stepSeconds - updateSeconds) / Double(leafCount), updateSeconds: updateSeconds,
        leafCount: leafCount * growth, elementCount: elementCount)
      let step = cost.step(ranks: ranks, model: model)
      let half = cost.step(ranks: ranks, model: model, bytesPerElement: 2)
      let globalBatch = alone.globalBatch * growth
      let rate = Double(globalBatch) / step.seconds
      // What a step would take if all ranks helped fully.
      let ideal = stepSeconds * Double(growth) / Double(ranks)
      rows.append(
        Row(
          ranks: ranks, nodes: (ranks + model.ranksPerNode - 1) / model.ranksPerNode,
          globalBatch: globalBatch, stepSeconds: step.seconds, reductionSeconds: step.reduction,
          algorithm: step.algorithm, imagesPerSecond: rate,
          speedUp: rate * stepSeconds / Double(alone.globalBatch), efficiency: ideal / step.seconds,
          bfloat16Efficiency: ideal / half.seconds))
      ranks *= 2
    }
    self.rows = rows
    endsForLackOfWork = ranks <= most
  }
}

extension CostModel {
  /// A cluster whose nodes are like this host, with `near` between two of its ranks, and whose network is
  /// `far`.
  ///
  /// A message to another node costs the processors what one within the node costs, and part of the network's
  /// latency.
  package init(near: Link, far: Link, ranksPerNode: Int) {
    var between = far
    between.messageSeconds = max(near.messageSeconds, far.latencySeconds / 20)
    self.init(within: near, between: between, ranksPerNode: ranksPerNode)
  }
}
