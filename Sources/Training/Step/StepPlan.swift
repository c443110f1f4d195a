internal import Collectives

/// Which positions of an epoch's order each step, micro-batch and rank works on.
///
/// It depends on the configuration alone; only who owns which micro-batch depends on the world size.
package struct StepPlan: Sendable {
  /// Training samples per epoch.
  package let sampleCount: Int
  package let globalBatch: Int
  package let microBatch: Int
  package let dropsLastBatch: Bool
  package let worldSize: Int

  package init(sampleCount: Int, globalBatch: Int, microBatch: Int, dropsLastBatch: Bool, worldSize: Int) {
    self.sampleCount = sampleCount
    self.globalBatch = globalBatch
    self.microBatch = microBatch
    self.dropsLastBatch = dropsLastBatch
    self.worldSize = worldSize
  }

  /// Optimizer steps per epoch.
  package var stepsPerEpoch: Int {
    dropsLastBatch ? sampleCount / globalBatch : (sampleCount + globalBatch - 1) / globalBatch
  }

  /// The most micro-batches that a step has.
  package var maximumLeafCount: Int {
    (min(globalBatch, sampleCount) + microBatch - 1) / microBatch
  }

  /// The positions in the epoch's order that a step covers. The batch behind the last one holds what
  /// `dropsLastBatch` leaves over: nobody trains on it, yet somebody has to keep it.
  package func positions(ofStep step: Int) -> Range<Int> {
    let start = min(step * globalBatch, sampleCount)
    return start..<min(start + globalBatch, sampleCount)
  }

  /// The micro-batches of a step.
  package func leafCount(ofStep step: Int) -> Int {
    (positions(ofStep: step).count + microBatch - 1) / microBatch
  }

  /// The positions of one micro-batch; the step's last one may be shorter.
  package func positions(ofLeaf leaf: Int, step: Int) -> Range<Int> {
    let batch = positions(ofStep: step)
    let start = batch.lowerBound + leaf * microBatch
    return start..<min(start + microBatch, batch.upperBound)
  }

  /// The positions that a rank's micro-batches cover in a step: one range, since its leaves are neighbours.
  package func positions(ofRank rank: Int, step: Int) -> Range<Int> {
    let batch = positions(ofStep: step)
    let tree = ReductionTree(leafCount: leafCount(ofStep: step))
    let leaves = tree.leaves(of: rank, worldSize: worldSize)
    let start = min(batch.lowerBound + leaves.lowerBound * microBatch, batch.upperBound)
    return start..<min(batch.lowerBound + leaves.upperBound * microBatch, batch.upperBound)
  }

  /// The number of samples a rank uses in the steps before `step` of an epoch: where that step's begin in the
  /// rank's shard.
  package func localStart(ofRank rank: Int, step: Int) -> Int {
    step * positions(ofRank: rank, step: 0).count
  }

  /// Who keeps which sample in the epoch whose order is given.
  package func placement(order: [Int32], totalSamples: Int) -> Placement {
    var owners = [Int32](repeating: Placement.nobody, count: totalSamples)
    let batches = (sampleCount + globalBatch - 1) / globalBatch
    for step in 0..<batches {
      for rank in 0..<worldSize {
        for position in positions(ofRank: rank, step: step) {
          owners[Int(order[position])] = Int32(rank)
        }
      }
    }
    return Placement(order: order, owners: owners)
  }
}
