internal import Collectives
internal import Digests
internal import Files
internal import Foundation
internal import Runs
internal import Tensors

/// What a process's training steps add up to.
struct RunTotals {
  /// Seconds of steps and of dealing samples.
  private(set) var trainingSeconds = 0.0
  /// Training images of all ranks.
  private(set) var images = 0
  private(set) var times = PhaseTimes()
  /// Seconds from the start of the process to the end of its first step.
  var startSeconds = 0.0

  /// Adds a step, and what lay between it and the one before.
  mutating func add(_ outcome: StepOutcome, _ between: PhaseTimes) {
    trainingSeconds += outcome.times.total + between.data
    images += outcome.samples
    times += outcome.times
    times += between
  }
}

extension RunResult {
  /// The figures at the end. Called by all ranks.
  init(
    _ setup: RunSetup, _ totals: RunTotals, test: Evaluation, validation: Evaluation?,
    checkpointDigest: String, receipt: String?
  ) throws {
    let own = RankTimes(phases: totals.times, processorSeconds: Training.processorSeconds())
    let rankTimes = try setup.communicator.allGather(Array(JSONEncoder().encode(own))).map {
      try JSONDecoder().decode(RankTimes.self, from: Data($0))
    }
    var (seconds, images) = (totals.trainingSeconds, totals.images)
    if images == 0, setup.isRoot {
      // The process that took the last step died before it could say how long all of them took.
      let steps = (try? RunHistory(folder: setup.options.folder))?.steps ?? []
      seconds = steps.reduce(0) { $0 + $1.seconds.total - $1.seconds.checkpoint }
      images = steps.count * setup.recipe.globalBatch
    }
    self.init(
      testAccuracy: test.accuracy, testErrors: test.errors, testConfusion: test.confusion,
      validationAccuracy: validation?.accuracy,
      parametersDigest: setup.state.parametersDigest.description, checkpointDigest: checkpointDigest,
      imagesPerSecond: seconds > 0 ? Double(images) / seconds : 0, trainingSeconds: seconds,
      wallSeconds: MonotonicClock.now() - setup.options.processStart, startSeconds: totals.startSeconds,
      ranks: setup.communicator.worldSize, rankTimes: rankTimes, epochs: setup.state.cursor.epoch,
      steps: setup.state.cursor.step, products: Products.shared.choice.rawValue,
      kernel: Products.shared.description, dataset: setup.dataset.name,
      datasetDigest: setup.dataset.digest.description, initialModel: setup.recipe.initialModel,
      receipt: receipt)
  }
}
