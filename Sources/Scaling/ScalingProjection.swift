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
    /// The quicker algorithm, which the reduction uses between nodes; nil on one node.
    package var algorithm: ReductionAlgorithm?
    /// Training images per second over all ranks, in equal shares.
    package var imagesPerSecond: Double
    /// Images per second over those of the rank that was measured.
    package var speedUp: Double
    /// The part of the ideal speed-up that is reached, which is what the cores' speeds add up to. With more work
    /// for more ranks it may exceed 1: they share an update that is no more work than one rank's.
    package var efficiency: Double
    /// The same with gradient sums that travel as bfloat16.
    package var bfloat16Efficiency: Double
    /// Training images per second where ranks of a node take one another's micro-batches.
    package var takingImagesPerSecond: Double
    /// The speed-up where they do.
    package var takingSpeedUp: Double
    /// The efficiency where they do.
    package var takingEfficiency: Double
  }

  /// How the problem grows with the ranks.
  package let mode: ScalingPoint.Mode
  /// For 1, 2, 4, … ranks.
  package let rows: [Row]
  /// How fast the ranks of a node are.
  package let coreSpeeds: CoreSpeeds
  /// The micro-batches of one rank's step.
  package let leafCount: Int
  /// Whether the curve ends before the ranks asked for, since more of them would have no work.
  package let endsForLackOfWork: Bool

  /// Computes the curve up to `most` ranks. `alone` is one rank, measured; a step has micro-batches of
  /// `microBatch` samples, and reduces `elementCount` floats. The ranks of a node have cores of `coreSpeeds`
  /// times the measured one's speed, and share the update as `updateDivision` says.
  package init(
    alone: ScalingPoint, microBatch: Int, elementCount: Int, model: CostModel, most: Int,
    coreSpeeds: CoreSpeeds = .alike, updateDivision: UpdateDivision = .none
  ) {
    mode = alone.mode
    self.coreSpeeds = coreSpeeds
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
        leafCount: leafCount * growth, elementCount: elementCount, coreSpeeds: coreSpeeds,
        updateDivision: updateDivision)
      let step = cost.step(ranks: ranks, model: model)
      let taking = cost.step(ranks: ranks, model: model, dealing: .taking)
      let half = cost.step(ranks: ranks, model: model, bytesPerElement: 2)
      let globalBatch = alone.globalBatch * growth
      let rate = Double(globalBatch) / step.seconds
      let takingRate = Double(globalBatch) / taking.seconds
      // What a step would take if all ranks helped fully, as fast as each is.
      let ideal =
        stepSeconds * Double(growth) / coreSpeeds.sum(ranks: ranks, ranksPerNode: model.ranksPerNode)
      rows.append(
        Row(
          ranks: ranks, nodes: (ranks + model.ranksPerNode - 1) / model.ranksPerNode,
          globalBatch: globalBatch, stepSeconds: step.seconds, reductionSeconds: step.reduction,
          algorithm: step.algorithm, imagesPerSecond: rate,
          speedUp: rate * stepSeconds / Double(alone.globalBatch), efficiency: ideal / step.seconds,
          bfloat16Efficiency: ideal / half.seconds, takingImagesPerSecond: takingRate,
          takingSpeedUp: takingRate * stepSeconds / Double(alone.globalBatch),
          takingEfficiency: ideal / taking.seconds))
      ranks *= 2
    }
    self.rows = rows
    endsForLackOfWork = ranks <= most
  }
}

extension CostModel {
  /// A cluster whose nodes are like this host, with `near` between two of its ranks and `window` in common, and whose
  /// network is `far`.
  ///
  /// A message to another node costs the processors what one within the node costs, and part of the network's
  /// latency.
  package init(near: Link, far: Link, window: SharedWindow? = nil, ranksPerNode: Int) {
    var between = far
    between.messageSeconds = max(near.messageSeconds, far.latencySeconds / 20)
    self.init(within: near, between: between, window: window, ranksPerNode: ranksPerNode)
  }
}
