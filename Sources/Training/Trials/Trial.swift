package import Collectives
internal import Datasets
internal import Digests
internal import Files
internal import Model
package import Runs
internal import Tensors

/// What training one recipe came to.
package struct TrialResult: Hashable, Sendable, Codable {
  /// What a model makes of some samples.
  package struct Score: Hashable, Sendable, Codable {
    /// Percent classified right, and mean cross-entropy in nats.
    package var accuracy: Double
    package var loss: Double
    /// Samples classified right, and all of them.
    package var correct: Int
    package var count: Int

    package init(accuracy: Double, loss: Double, correct: Int, count: Int) {
      self.accuracy = accuracy
      self.loss = loss
      self.correct = correct
      self.count = count
    }

    init(_ evaluation: Evaluation) {
      self.init(
        accuracy: evaluation.accuracy, loss: evaluation.loss, correct: evaluation.correct,
        count: evaluation.count)
    }
  }

  /// After which step a loss was lost, and what was said of it; nil where training went well, and no score is nil then.
  package struct Divergence: Hashable, Sendable, Codable {
    package var step: Int
    package var sentence: String

    package init(step: Int, sentence: String) {
      self.step = step
      self.sentence = sentence
    }
  }

  /// Of the model at the end; nil without a validation split, or after a divergence.
  package var validation: Score?
  /// Nil where the test set was not looked at.
  package var test: Score?
  package var divergence: Divergence?
  /// Validation accuracy in per cent at the end of each epoch.
  package var curve: [Double] = []
  /// SHA-256 of the flat parameters, as in a run's result.
  package var parametersDigest: String?
  /// Optimizer steps that were taken, and training samples in them.
  package var steps = 0
  package var samples = 0

  package init() {}
}

/// How a trial ended.
package enum TrialEnd: Hashable, Sendable, Codable {
  case finished(TrialResult)
  /// A signal asked for it, and nothing of it is kept.
  case stopped
}

/// Training one recipe, without a folder: what a run with that recipe would come to, to the bit.
package final class Trial {
  private let setup: TrainingSetup
  private let test: Evaluator?
  private let pulse: () throws -> Void
  private var result = TrialResult()

  /// Trains `recipe`, which fits the data, on the ranks of a communicator, and scores it. Called by all of them.
  ///
  /// `pulse` is called between steps; `isStopRequested` says whether this rank was asked to stop, as signals do.
  ///
  /// - Throws: `RunError`, `CommunicatorError`, and what `pulse` throws.
  package static func run(
    _ recipe: Recipe, on data: TrialData, over communicator: any Communicator,
    isStopRequested: @escaping () -> Bool = { StopSignals.isStopRequested },
    pulse: @escaping () throws -> Void = {}
  ) throws -> TrialEnd {
    let start = MonotonicClock.now()
    let (setup, test) = try makeSetup(recipe, data, communicator, isStopRequested)
    let end = try Trial(setup, test: test, pulse: pulse).run(start: start)
    // Nothing is left that lies in memory which others of the node see.
    try setup.group.barrier()
    try setup.group.release()
    return end
  }

  private init(_ setup: TrainingSetup, test: Evaluator?, pulse: @escaping () throws -> Void) {
    self.setup = setup
    self.test = test
    self.pulse = pulse
  }

  private func run(start: Double) throws -> TrialEnd {
    let loop = TrainingLoop(setup, start: start)
    do {
      guard case .complete(let last) = try loop.run(beside: self) else { return .stopped }
      setup.communicator.willEnter("the final evaluation", step: setup.state.cursor.step)
      if let validation = try loop.finalValidation(last) {
        try loop.requireConvergence(validation.loss, "in validation", beside: self)
        result.validation = TrialResult.Score(validation)
      }
      if let test = try test?.evaluate(setup.state.model) {
        try loop.requireConvergence(test.loss, "on the test set", beside: self)
        result.test = TrialResult.Score(test)
      }
      result.parametersDigest = setup.state.parametersDigest.description
    } catch let error as RunError where error.exitCode == Divergence.exitCode {
      (result.validation, result.test) = (nil, nil)
      result.divergence = TrialResult.Divergence(
        step: setup.state.cursor.step, sentence: error.description)
    }
    (result.steps, result.samples) = (setup.state.cursor.step, loop.totals.images)
    return .finished(result)
  }

  private static func makeSetup(
    _ recipe: Recipe, _ data: TrialData, _ communicator: any Communicator,
    _ isStopRequested: @escaping () -> Bool
  ) throws -> (TrainingSetup, test: Evaluator?) {
    let setup = try TrainingSetup(
      recipe, on: data, over: communicator, options: StepOptions(isStopRequested: isStopRequested),
      refuge: "the journal")
    let test = try data.test.map { library in
      let ranges = TrialData.ranges(library.count, over: communicator)
      let own = ranges[communicator.rank]
      return try Evaluator.dealt(
        Shard(library.samples(own), first: own.lowerBound, of: library.count, format: data.facts.format),
        from: Placement(ranges: ranges, totalSamples: library.count), samples: 0..<library.count,
        network: setup.network, over: communicator)
    }
    return (setup, test)
  }
}

extension Trial: LoopCompanion {
  func didStep(_ outcome: StepOutcome, times: PhaseTimes, sums: EpochSums) throws {
    try pulse()
  }

  func didEndEpoch(_ sums: EpochSums, validation: Evaluation?, work: [LeafWork]) throws {
    if let validation { result.curve.append(validation.accuracy) }
  }

  func mayBeSaved(after outcome: StepOutcome, isEpochEnd: Bool) -> Bool { false }

  func save(after outcome: StepOutcome, isEpochEnd: Bool, validation: Evaluation?) throws {}

  func didComplete(isVerified: Bool, isEpochEnd: Bool) throws {}

  func didDiverge() throws {}

  func notice(_ sentence: String) {}
}
