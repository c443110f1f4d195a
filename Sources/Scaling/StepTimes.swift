package import Runs

/// How long a run's steps took on the root, in seconds, each with the deal of samples before it, if there was one.
package struct StepTimes: Hashable, Sendable, Codable {
  /// Half of the steps took no longer.
  package var median: Double
  /// Nine steps of ten took no longer.
  package var ninetieth: Double
  /// 99 steps of 100 took no longer.
  package var ninetyNinth: Double
  /// The longest step.
  package var most: Double

  /// How much longer the 99th percentile is than the median.
  package var tail: Double { median > 0 ? ninetyNinth / median : 0 }

  /// Percentiles by nearest rank; nil without steps.
  package init?(_ seconds: [Double]) {
    let sorted = seconds.sorted()
    guard let most = sorted.last else { return nil }
    func percentile(_ percent: Int) -> Double { sorted[max((percent * sorted.count + 99) / 100, 1) - 1] }
    median = percentile(50)
    ninetieth = percentile(90)
    ninetyNinth = percentile(99)
    self.most = most
  }

  /// Of a run's records; nil without steps. Checkpoints between steps are no training time.
  package init?(_ steps: [StepRecord]) {
    self.init(steps.map { $0.seconds.total - $0.seconds.checkpoint })
  }

  /// The medians of several runs' figures; nil for none.
  package init?(medians runs: [StepTimes]) {
    guard !runs.isEmpty else { return nil }
    func middle(_ value: (StepTimes) -> Double) -> Double { Spread(runs.map(value)).median }
    median = middle(\.median)
    ninetieth = middle(\.ninetieth)
    ninetyNinth = middle(\.ninetyNinth)
    most = middle(\.most)
  }
}
