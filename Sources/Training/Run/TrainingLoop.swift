internal import Collectives
internal import Files
internal import Model
internal import Runs
internal import Tensors

/// What goes on beside the steps of a loop: a run's records and checkpoints, or a trial's curve. All calls are made by all
/// ranks, at the same places of the loop.
protocol LoopCompanion: AnyObject {
  /// A step is done, which took `times`, what lay before it included.
  func didStep(_ outcome: StepOutcome, times: PhaseTimes, sums: EpochSums) throws
  /// An epoch, or what there is of it, is done and validated; `work` is what each rank computed in it.
  func didEndEpoch(_ sums: EpochSums, validation: Evaluation?, work: [LeafWork]) throws
  /// Whether `save` may save after this step: then all ranks have to agree on the state beforehand.
  func mayBeSaved(after outcome: StepOutcome, isEpochEnd: Bool) -> Bool
  /// Saves after a step.
  func save(after outcome: StepOutcome, isEpochEnd: Bool, validation: Evaluation?) throws
  /// The step and all that belongs to it are done.
  func didComplete(isVerified: Bool, isEpochEnd: Bool) throws
  /// The loss is lost, and the loop ends.
  func didDiverge() throws
  /// Something a user should know, in one sentence.
  func notice(_ sentence: String)
}

/// Trains a model, data-parallel over the ranks of a communicator.
///
/// The loop in four lines: deal samples to ranks at the start of an epoch; take steps; every so often compare digests,
/// and always before a state is saved; at the end of an epoch evaluate on the validation split, which may end the loop.
final class TrainingLoop {
  /// How a loop ended.
  enum End {
    /// There is no step left to take; with the last validation, if there was one.
    case complete(Evaluation?)
    /// A signal asked for it.
    case stopped
  }

  private let setup: TrainingSetup
  private let communicator: any Communicator
  private let state: TrainingState
  private var agreement: ParameterAgreement
  private var dealer: EpochDealer
  /// Laps between steps: dealing, evaluation, checkpoints and the like; they go into the next step's record.
  var clock: PhaseClock
  private(set) var totals = RunTotals()
  /// When what leads to the first step began, on `MonotonicClock`.
  private let start: Double

  init(_ setup: TrainingSetup, start: Double) {
    self.setup = setup
    self.start = start
    communicator = setup.communicator
    state = setup.state
    agreement = ParameterAgreement(
      communicator: communicator, group: setup.group, refuge: setup.refuge)
    dealer = EpochDealer(setup)
    clock = PhaseClock(setup.timeline)
  }

  /// Takes steps until there are none left, or until a signal asks for a stop. Called by all ranks.
  ///
  /// - Throws: `RunError`; where it is not shared by all ranks, the caller must abort the others.
  func run(beside companion: any LoopCompanion) throws -> End {
    // What is initialised or received must be the same from the first step on.
    communicator.willEnter("the comparison of parameters", step: 0)
    try agreement.verify(state)
    var sums = EpochSums()
    var workBefore = setup.step.work
    var validation: Evaluation?
    while !isOver {
      clock.restart()
      try dealer.deal(state.cursor, &clock)
      communicator.willEnter("the reduction", step: state.cursor.step + 1)
      let outcome = try setup.step.run(state, samples: dealer.samples)
      state.cursor = Cursor(step: state.cursor.step + 1, stepsPerEpoch: setup.plan.stepsPerEpoch)
      clock.restart()
      try account(outcome, &sums, beside: companion)

      let isEnd = state.cursor.step == setup.totalSteps
      let isEpochEnd = state.cursor.stepInEpoch == 0 || isEnd
      let mayBeSaved = companion.mayBeSaved(after: outcome, isEpochEnd: isEpochEnd)
      // A state that differs between nodes must not outlive its detection in a checkpoint.
      let isVerified = isEnd || mayBeSaved || state.cursor.step % setup.verifyEvery == 0
      if isVerified {
        communicator.willEnter("the comparison of parameters", step: state.cursor.step)
        try agreement.verify(state)
        clock.lap(.checkpoint)
      }
      if isEpochEnd {
        communicator.willEnter("validation", step: state.cursor.step)
        validation = try setup.validation?.evaluate(state.current)
        if let validation { try keepBest(validation, beside: companion) }
        clock.lap(.validation)
        let work = try communicator.allGather(setup.step.work - workBefore)
        workBefore = setup.step.work
        try companion.didEndEpoch(sums, validation: validation, work: work)
        sums = EpochSums()
        if let validation {
          try requireConvergence(validation.loss, "in validation", beside: companion)
        }
      }
      if mayBeSaved {
        communicator.willEnter("saving", step: state.cursor.step)
        let score = isEpochEnd ? validation : nil
        try companion.save(after: outcome, isEpochEnd: isEpochEnd, validation: score)
      }
      clock.lap(.checkpoint)
      if outcome.isStopRequested, !isOver { return .stopped }
      try companion.didComplete(isVerified: isVerified, isEpochEnd: isEpochEnd)
    }
    return .complete(validation)
  }

  /// What the model, which need not be the last weights, makes of the validation split at the end; `last` is what the last
  /// weights made of it. Called by all ranks.
  func finalValidation(_ last: Evaluation?) throws -> Evaluation? {
    // Nothing was left to train in a run that was resumed after its end, and the last weights need not be the best.
    try (state.best == nil ? last : nil) ?? setup.validation?.evaluate(state.model)
  }

  /// Ends a loop whose loss, which all ranks know, is lost: with what led to it on record, and nothing saved behind the
  /// last checkpoint.
  func requireConvergence(_ loss: Double, _ place: String, beside companion: any LoopCompanion) throws {
    guard Divergence.isLost(loss) else { return }
    try companion.didDiverge()
    let after = place.contains("step") ? place : place + " after step \(state.cursor.step)"
    throw Divergence.error(loss, after)
  }

  /// Whether there is no step left to take.
  private var isOver: Bool {
    state.cursor.step >= setup.totalSteps || state.earlyStopping?.isOver ?? false
  }

  /// Keeps the weights that were just validated, if none were better, where the recipe says so. Called by all ranks, which
  /// have the same figures.
  private func keepBest(_ validation: Evaluation, beside companion: any LoopCompanion) throws {
    guard let best = state.best, let stopping = state.earlyStopping else { return }
    let epoch = (state.cursor.step - 1) / setup.plan.stepsPerEpoch + 1
    let after = stopping.adding(accuracy: validation.accuracy, epoch: epoch)
    state.earlyStopping = after
    if after.epochsSinceBest == 0 {
      if setup.group.isLeader { best.copy(from: state.current) }
      // Nobody goes on to change what is being copied.
      try setup.group.barrier()
    }
    if after.isOver, state.cursor.step < setup.totalSteps { companion.notice(after.sentence) }
  }

  /// Adds a step to the sums of its epoch and of the run, and has it written down.
  private func account(
    _ outcome: StepOutcome, _ sums: inout EpochSums, beside companion: any LoopCompanion
  ) throws {
    if totals.images == 0 { totals.startSeconds = MonotonicClock.now() - start }
    let between = clock.take()
    sums.add(outcome, between)
    totals.add(outcome, between)
    try companion.didStep(outcome, times: outcome.times + between, sums: sums)
    try requireConvergence(outcome.loss, "after step \(state.cursor.step)", beside: companion)
    clock.lap(.checkpoint)
  }
}
