/// One number of ranks on the ladder of a scaling experiment, measured several times.
public struct ScalingPoint: Hashable, Sendable, Codable {
  /// How the problem grows with the ranks.
  public enum Mode: String, Sendable, Codable {
    /// The same global batch, cut into more parts.
    case strong
    /// The same work for each rank: the global batch grows with the ranks.
    case weak
  }

  /// What one run showed.
  public struct Run: Hashable, Sendable, Codable {
    /// Training images per second over all ranks.
    public var imagesPerSecond: Double
    /// Seconds of training until the validation split was first classified as well as asked for; nil if it never was.
    public var secondsToTarget: Double?
    /// Shares of the ranks' mean training time, 0...1: forward and backward passes and data; adding up gradients;
    /// waiting for peers and data; the optimizer.
    public var compute: Double
    public var reduction: Double
    public var wait: Double
    public var update: Double
    /// How much longer the busiest rank computed than the mean, less one.
    public var imbalance: Double
    /// Processor seconds of all ranks.
    public var processorSeconds: Double
    /// SHA-256 of the final checkpoint.
    public var digest: String

    public init(
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

  public var mode: Mode
  public var ranks: Int
  public var globalBatch: Int
  /// Whether there are more ranks than cores: then images per second say nothing of scaling.
  public var isOversubscribed: Bool
  public var runs: [Run] = []

  public init(mode: Mode, ranks: Int, globalBatch: Int, isOversubscribed: Bool) {
    self.mode = mode
    self.ranks = ranks
    self.globalBatch = globalBatch
    self.isOversubscribed = isOversubscribed
  }

  /// Median and range of something over the runs.
  public func spread(_ value: (Run) -> Double) -> Spread { Spread(runs.map(value)) }
}

/// A median and the range it comes from.
public struct Spread: Hashable, Sendable {
  public let median: Double
  public let least: Double
  public let most: Double

  /// Of at least one value; all zero for none.
  public init(_ values: [Double]) {
    let sorted = values.sorted()
    least = sorted.first ?? 0
    most = sorted.last ?? 0
    let middle = sorted.count / 2
    median =
      sorted.isEmpty
      ? 0 : sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// A ladder of points and what they say together.
public struct ScalingLadder: Sendable, Hashable, Codable {
  public var points: [ScalingPoint]

  public init(points: [ScalingPoint]) {
    self.points = points
  }

  /// The point that the others of a mode are compared with: the one with the fewest ranks.
  public func base(_ mode: ScalingPoint.Mode) -> ScalingPoint? {
    points.filter { $0.mode == mode && !$0.runs.isEmpty }.min { $0.ranks < $1.ranks }
  }

  /// Images per second over those of the base, times the base's ranks: the ranks' number, if all of them helped fully.
  public func speedUp(of point: ScalingPoint) -> Spread? {
    guard let base = base(point.mode), !point.runs.isEmpty else { return nil }
    let rate = base.spread(\.imagesPerSecond).median
    guard rate > 0 else { return nil }
    return Spread(point.runs.map { $0.imagesPerSecond / rate * Double(base.ranks) })
  }

  /// The part of the ideal speed-up that was reached; nil where ranks shared cores, which would be no efficiency.
  public func efficiency(of point: ScalingPoint) -> Spread? {
    guard !point.isOversubscribed, base(point.mode)?.isOversubscribed == false,
      let speedUp = speedUp(of: point)
    else { return nil }
    let ranks = Double(point.ranks)
    return Spread([speedUp.least / ranks, speedUp.median / ranks, speedUp.most / ranks])
  }

  /// Sentences on runs that should have ended with the same model and did not: all strong ones, and the repetitions of
  /// each weak one.
  public var disagreements: [String] {
    var result: [String] = []
    let strong = points.filter { $0.mode == .strong }
    if Set(strong.flatMap { $0.runs.map(\.digest) }).count > 1 {
      let parts = strong.map { point in
        "\(point.ranks): \(Set(point.runs.map { String($0.digest.prefix(12)) }).sorted().joined(separator: ", "))"
      }
      result.append(
        "the strong ladder's final models differ by rank count (\(parts.joined(separator: "; ")))")
    }
    for point in points where point.mode == .weak && Set(point.runs.map(\.digest)).count > 1 {
      result.append("the final models of \(point.ranks) ranks' repetitions (weak) differ")
    }
    return result
  }

  /// All runs, one line each, with a header.
  public var csv: String {
    var lines = [
      "mode,ranks,global_batch,oversubscribed,images_per_second,seconds_to_target,compute,reduction,wait,update,"
        + "imbalance,processor_seconds,sha256"
    ]
    for point in points {
      for run in point.runs {
        lines.append(
          [
            point.mode.rawValue, "\(point.ranks)", "\(point.globalBatch)", "\(point.isOversubscribed)",
            "\(run.imagesPerSecond)", run.secondsToTarget.map { "\($0)" } ?? "", "\(run.compute)",
            "\(run.reduction)", "\(run.wait)", "\(run.update)", "\(run.imbalance)", "\(run.processorSeconds)",
            run.digest,
          ].joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
