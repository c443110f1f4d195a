/// Which positions of an epoch's order each step and micro-batch works on: the configuration alone says so.
package struct StepPlan: Sendable {
  /// Training samples per epoch.
  package let sampleCount: Int
  package let globalBatch: Int
  package let microBatch: Int
  package let dropsLastBatch: Bool

  package init(sampleCount: Int, globalBatch: Int, microBatch: Int, dropsLastBatch: Bool) {
    self.sampleCount = sampleCount
    self.globalBatch = globalBatch
    self.microBatch = microBatch
    self.dropsLastBatch = dropsLastBatch
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

  /// The positions that neighbouring micro-batches of a step cover.
  package func positions(ofLeaves leaves: Range<Int>, step: Int) -> Range<Int> {
    let batch = positions(ofStep: step)
    let start = min(batch.lowerBound + leaves.lowerBound * microBatch, batch.upperBound)
    return start..<min(batch.lowerBound + leaves.upperBound * microBatch, batch.upperBound)
  }

  /// Steps and what they leave over: all that somebody has to keep samples for.
  package var batchCount: Int { (sampleCount + globalBatch - 1) / globalBatch }
}
