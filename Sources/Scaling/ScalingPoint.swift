/// One number of ranks on the ladder of a scaling experiment, measured several times.
package struct ScalingPoint: Hashable, Sendable, Codable {
  /// How the problem grows with the ranks.
  package enum Mode: String, Sendable, Codable {
    /// The same global batch, cut into more parts.
    case strong
    /// The same work for each rank: the global batch grows with the ranks.
    case weak
  }

  /// What one run showed.
  package struct Run: Hashable, Sendable, Codable {
    /// Training images per second over all ranks.
    package var imagesPerSecond: Double
    /// Seconds of training until the validation split was first classified as well as asked for; nil if it
    /// never was.
    package var secondsToTarget: Double?
    /// The share of forward and backward passes and data in the ranks' mean training time, 0...1.
    package var compute: Double
    /// The share of adding up gradients.
    package var reduction: Double
    /// The share of waiting for peers and data.
    package var wait: Double
    /// The share of the optimizer.
    package var update: Double
    /// How much longer the busiest rank computed than the mean, less one.
    package var imbalance: Double
    /// Processor seconds of all ranks.
    package var processorSeconds: Double
    /// SHA-256 of the final checkpoint.
    package var digest: String
    /// What an image cost, by phase; nil in files of older versions.
    package var coreSeconds: CoreSeconds?
    /// How long steps took; nil in files of older versions.
    package var stepTimes: StepTimes?

    /// A run of these figures.
    package init(
      imagesPerSecond: Double, secondsToTarget: Double?, compute: Double, reduction: Double, wait: Double,
      update: Double, imbalance: Double, processorSeconds: Double, digest: String,
      coreSeconds: CoreSeconds? = nil, stepTimes: StepTimes? = nil
    ) {
      self.imagesPerSecond = imagesPerSecond
      self.secondsToTarget = secondsToTarget
      self.compute = compute
      self.reduction = reduction
      self.wait = wait
      self.update = update
      self.imbalance = imbalance
      self.processorSeconds = processorSeconds
      self.digest = digest
      self.coreSeconds = coreSeconds
      self.stepTimes = stepTimes
    }
  }

  /// How the problem grows.
  package var mode: Mode
  /// The world size.
  package var ranks: Int
  /// Samples of an optimizer step over all ranks.
  package var globalBatch: Int
  /// Whether there are more ranks than cores: then images per second say nothing of scaling.
  package var isOversubscribed: Bool
  /// What was measured so far.
  package var runs: [Run] = []
  /// What as many independent copies at once did, round by round; nil where that was not asked for.
  package var copies: [CopiesRun]?

  /// A point that was not measured yet.
  package init(mode: Mode, ranks: Int, globalBatch: Int, isOversubscribed: Bool) {
    self.mode = mode
    self.ranks = ranks
    self.globalBatch = globalBatch
    self.isOversubscribed = isOversubscribed
  }

  /// Samples of an optimizer step of a copy that has nothing to do with the others: what one rank alone is given on
  /// this ladder, which has one rank as its first point.
  package var copyBatch: Int { mode == .strong ? globalBatch : max(globalBatch / ranks, 1) }

  /// Median and range of something over the runs.
  package func spread(_ value: (Run) -> Double) -> Spread { Spread(runs.map(value)) }
}
