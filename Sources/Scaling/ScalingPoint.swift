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
    /// Seconds of training until the validation split was first classified as well as asked for; nil if it never was.
    package var secondsToTarget: Double?
    /// Shares of the ranks' mean training time, 0...1: forward and backward passes and data; adding up gradients;
    /// waiting for peers and data; the optimizer.
    package var compute: Double
    package var reduction: Double
    package var wait: Double
    package var update: Double
    /// How much longer the busiest rank computed than the mean, less one.
    package var imbalance: Double
    /// Processor seconds of all ranks.
    package var processorSeconds: Double
    /// SHA-256 of the final checkpoint.
    package var digest: String

    package init(
      imagesPerSecond: Double, secondsToTarget: Double?, compute: Double, reduction: Double, wait: Double,
      update: Double, imbalance: Double, processorSeconds: Double, digest: String
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
    }
  }

  package var mode: Mode
  package var ranks: Int
  package var globalBatch: Int
  /// Whether there are more ranks than cores: then images per second say nothing of scaling.
  package var isOversubscribed: Bool
  package var runs: [Run] = []

  package init(mode: Mode, ranks: Int, globalBatch: Int, isOversubscribed: Bool) {
    self.mode = mode
    self.ranks = ranks
    self.globalBatch = globalBatch
    self.isOversubscribed = isOversubscribed
  }

  /// Median and range of something over the runs.
  package func spread(_ value: (Run) -> Double) -> Spread { Spread(runs.map(value)) }
}
