package import Runs

/// What an image costs, by phase: seconds of one core. P ranks at r images/s take P / r core-seconds for each.
package struct CoreSeconds: Hashable, Sendable, Codable {
  /// Forward and backward passes.
  package var compute = 0.0
  /// Preparing inputs and dealing samples.
  package var input = 0.0
  /// The optimizer.
  package var update = 0.0
  /// Adding up gradients.
  package var reduction = 0.0
  /// Waiting for peers and for data on its way.
  package var waiting = 0.0
  /// What no phase accounts for. Less than nothing where ranks wait for the root between two steps, when the
  /// clock that images per second go by stands still.
  package var rest = 0.0

  /// The sum of all phases.
  package var total: Double { compute + input + update + reduction + waiting + rest }

  /// Nothing.
  package init() {}

  /// The phases of a run's ranks, which add up to ranks / images per second; nil of a run that took no steps.
  package init?(_ result: RunResult) {
    let images = result.imagesPerSecond * result.trainingSeconds
    guard images > 0 else { return nil }
    for rank in result.rankTimes { add(rank.phases, times: 1 / images) }
    rest = Double(result.rankTimes.count) / result.imagesPerSecond - total
  }

  /// The phases of copies that train at the same time, which add up to copies / images per second.
  ///
  /// In a second of all of them each copy spends one core-second, a share of it in each phase.
  init(_ copies: [CopyFigures]) {
    let rate = copies.reduce(0) { $0 + $1.imagesPerSecond }
    guard rate > 0 else { return }
    for copy in copies where copy.seconds > 0 { add(copy.phases, times: 1 / (copy.seconds * rate)) }
    rest = Double(copies.count) / rate - total
  }

  /// The mean of several runs' shares of the phases, stretched so that they add up to `total`.
  init(meanShares runs: [CoreSeconds], total: Double) {
    let runs = runs.filter { $0.total > 0 }
    for run in runs {
      let scale = total / run.total / Double(runs.count)
      compute += scale * run.compute
      input += scale * run.input
      update += scale * run.update
      reduction += scale * run.reduction
      waiting += scale * run.waiting
      rest += scale * run.rest
    }
  }

  /// Checkpoints and records are no training time.
  private mutating func add(_ phases: PhaseTimes, times scale: Double) {
    compute += scale * (phases.forward + phases.backward)
    input += scale * phases.data
    update += scale * phases.update
    reduction += scale * phases.reduction
    waiting += scale * phases.wait
  }
}
