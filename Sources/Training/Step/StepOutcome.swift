package import Runs

/// What one step did, summed over the global batch.
package struct StepOutcome {
  /// Mean cross-entropy, in nats.
  package var loss: Double
  /// Samples classified right before the update.
  package var correct: Int
  /// Samples of the global batch.
  package var samples: Int
  /// The schedule's factor of the learning rates.
  package var rate: Float
  /// Whether some rank was asked to save and stop, or to save and go on.
  package var isStopRequested: Bool
  package var isSaveRequested: Bool
  /// This rank's time.
  package var times: PhaseTimes
  /// On the root's node, where steps are digested; nil elsewhere.
  package var digest: StepDigest?

  init(_ totals: StepTotals, rate: Float, times: PhaseTimes, digest: StepDigest? = nil) {
    loss = Double(totals.loss / totals.samples)
    correct = Int(totals.correct)
    samples = Int(totals.samples)
    self.rate = rate
    isStopRequested = totals.stops > 0
    isSaveRequested = totals.saves > 0
    self.times = times
    self.digest = digest
  }
}
