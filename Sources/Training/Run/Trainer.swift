package import Collectives
internal import Digests
internal import Files
internal import Formatting
internal import Foundation
internal import Model
package import Runs
internal import Tensors

/// How a run ended.
package enum RunEnd: Sendable {
  /// The model is trained, scored and written.
  case finished(RunResult)
  /// A signal asked for a stop after this many steps; a checkpoint holds everything.
  case stopped(step: Int)
  /// The run had come to its end before, and nothing was changed; its figures are known to the root alone.
  case wasFinished(RunResult?)
}

/// Trains a model, data-parallel over the ranks of a communicator.
///
/// The loop in four lines: deal samples to ranks at the start of an epoch; take steps; every so often compare digests,
/// and always before a state is saved; at the end of an epoch evaluate on the validation split, which may end the run. The
/// test set is scored once, at the end.
package final class Trainer {
  private let setup: RunSetup
  private let communicator: any Communicator
  private let state: TrainingState
  private var agreement: ParameterAgreement
  /// On the root alone.
  private let recorder: RunRecorder?
  private let saver: RunSaver?
  private let trace: TraceWriter?

  private var dealer: EpochDealer
  /// Laps between steps: dealing, evaluation, checkpoints and the like; they go into the next step's record.
  private var clock: PhaseClock
  private var totals = RunTotals()

  /// Where this rank's training steps spent their time so far; layers only if the options ask for them.
  package var profile: Profile {
    Profile(
      images: totals.images, ranks: communicator.worldSize, phases: totals.times,
      layers: setup.options.isProfiling
        ? setup.network.profile.map { ($0.name, $0.forward, $0.backward, $0.products) } : [])
  }

  /// Loads the data, restores or initialises the state and prepares the run's folder. Called by all ranks.
  ///
  /// `resolve` makes the run's recipe, given that of the checkpoint to go on from, if any; `observer` is told of
  /// the run's progress on the root.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  package init(
    communicator: any Communicator, options: TrainingOptions, observer: (any TrainingObserver)?,
    resolve: (Recipe?) throws -> Recipe
  ) throws {
    let isRoot = communicator.rank == 0
    let setup = try RunSetup(
      communicator: communicator, options: options, notice: { if isRoot { observer?.notice($0) } },
      resolve: resolve)
    // Now rather than after hours.
    trace = try together(communicator) {
      guard isRoot, !setup.isFinished, let path = options.trace else { return nil }
      guard !options.folder.reserves(path) else {
        throw RunError(
          "--trace \(path): expected a file of its own, found one that the run writes", exitCode: 73)
      }
      return try TraceWriter(path: path, isResumed: setup.isResumed) { observer?.notice($0) }
    }
    let recorder = try together(communicator) {
      isRoot && !setup.isFinished ? try RunRecorder(setup, observer: observer) : nil
    }
    saver = try together(communicator) { try recorder.map { try RunSaver(setup, recorder: $0) } }
    self.setup = setup
    self.recorder = recorder
    self.communicator = communicator
    state = setup.state
    agreement = ParameterAgreement(
      communicator: communicator, group: setup.group, checkpoints: options.folder.checkpoints)
    dealer = EpochDealer(setup)
    clock = PhaseClock(setup.timeline)
  }

  /// Trains to the end, or until a signal asks for a stop. Called by all ranks.
  ///
  /// - Throws: `RunError`; where it is not shared by all ranks, the caller must abort the others.
  package func run() throws -> RunEnd {
    defer { setup.lock?.release() }
    if setup.isFinished { return try confirmEnd() }
    recorder?.announce()
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
      try account(outcome, &sums)

      let isEnd = state.cursor.step == setup.totalSteps
      let isEpochEnd = state.cursor.stepInEpoch == 0 || isEnd
      let mayBeSaved = RunSaver.mayBeDue(
        after: outcome, step: state.cursor.step, isEpochEnd: isEpochEnd, setup.options)
      // A state that differs between nodes must not outlive its detection in a checkpoint.
      let isVerified = isEnd || mayBeSaved || state.cursor.step % setup.options.verifyEvery == 0
      if isVerified {
        communicator.willEnter("the comparison of parameters", step: state.cursor.step)
        try agreement.verify(state)
        clock.lap(.checkpoint)
      }
      if isEpochEnd {
        communicator.willEnter("validation", step: state.cursor.step)
        validation = try setup.validation?.evaluate(state.current)
        if let validation { try keepBest(validation) }
        clock.lap(.validation)
        let work = try communicator.allGather(setup.step.work - workBefore)
        workBefore = setup.step.work
        try recorder?.epoch(sums, validation: validation, work: work)
        sums = EpochSums()
        if let validation { try requireConvergence(validation.loss, "in validation") }
      }
      if mayBeSaved {
        communicator.willEnter("saving", step: state.cursor.step)
        let score = isEpochEnd ? validation : nil
        try whileRootWorks(
          communicator,
          saver.map { saver in { try saver.save(after: outcome, isEpochEnd: isEpochEnd, validation: score) } }
        )
      }
      clock.lap(.checkpoint)
      if outcome.isStopRequested, !isOver { return try stop() }
      if isVerified || isEpochEnd { try writeTrace() }
    }
    return .finished(try finish(validation))
  }

  /// Whether there is no step left to take.
  private var isOver: Bool {
    state.cursor.step >= setup.totalSteps || state.earlyStopping?.isOver ?? false
  }

  /// Keeps the weights that were just validated, if none were better, where the recipe says so. Called by all ranks, which
  /// have the same figures.
  private func keepBest(_ validation: Evaluation) throws {
    guard let best = state.best, let stopping = state.earlyStopping else { return }
    let epoch = (state.cursor.step - 1) / setup.plan.stepsPerEpoch + 1
    let after = stopping.adding(accuracy: validation.accuracy, epoch: epoch)
    state.earlyStopping = after
    if after.epochsSinceBest == 0 {
      if setup.group.isLeader { best.copy(from: state.current) }
      // Nobody goes on to change what is being copied.
      try setup.group.barrier()
    }
    if after.isOver, state.cursor.step < setup.totalSteps { recorder?.notice(after.sentence) }
  }

  /// Adds a step to the sums of its epoch and of the run, and writes it down.
  private func account(_ outcome: StepOutcome, _ sums: inout EpochSums) throws {
    if totals.images == 0 { totals.startSeconds = MonotonicClock.now() - setup.options.processStart }
    let between = clock.take()
    sums.add(outcome, between)
    totals.add(outcome, between)
    try recorder?.step(outcome, times: outcome.times + between, sums: sums)
    try requireConvergence(outcome.loss, "after step \(state.cursor.step)")
    clock.lap(.checkpoint)
  }

  /// Ends a run whose loss, which all ranks know, is lost: with what led to it on record, and nothing saved behind the
  /// last checkpoint.
  private func requireConvergence(_ loss: Double, _ place: String) throws {
    guard Divergence.isLost(loss) else { return }
    try saver?.finish()
    try recorder?.event("diverged")
    try recorder?.flush()
    try writeTrace()
    let after = place.contains("step") ? place : place + " after step \(state.cursor.step)"
    throw Divergence.error(loss, after)
  }

  private func stop() throws -> RunEnd {
    communicator.willEnter("the stop", step: state.cursor.step)
    try whileRootWorks(communicator, saver.map { saver in { try saver.finish() } })
    try recorder?.event("stop")
    try recorder?.synchronize()
    try writeTrace(isLast: true)
    try communicator.barrier()
    return .stopped(step: state.cursor.step)
  }

  /// Scores the model on the test set, and writes it with the run's figures.
  private func finish(_ validation: Evaluation?) throws -> RunResult {
    communicator.willEnter("the final evaluation", step: state.cursor.step)
    // Nothing was left to train in a run that was resumed after its end, and the last weights need not be the best.
    let last = state.best == nil ? validation : nil
    let validation = try last ?? setup.validation?.evaluate(state.model)
    clock.restart()
    let test = try setup.test.evaluate(state.model)
    clock.lap(.test)
    for (evaluation, place) in [(validation, "in validation"), (test, "on the test set")] {
      if let evaluation { try requireConvergence(evaluation.loss, place) }
    }
    let digest =
      try whileRootWorks(
        communicator, saver.map { saver in { try saver.writeFinal(validation: validation) } }) ?? ""
    let result = try RunResult(setup, totals, test: test, validation: validation, checkpointDigest: digest)
    if setup.isRoot { try setup.options.folder.write(result) }
    // Last: who finds it finds the model and its figures.
    try recorder?.event("end")
    try recorder?.synchronize()
    try writeTrace(isLast: true)
    communicator.willEnter("the end", step: state.cursor.step)
    try communicator.barrier()
    return result
  }

  /// Says that the run is finished. A run that was killed before it had written that down is made to say so too.
  private func confirmEnd() throws -> RunEnd {
    if setup.isRoot, let result = setup.finished {
      let folder = setup.options.folder
      let last = (try? RunHistory(folder: folder))?.events.last
      if let last, last.event != "end" {
        let metrics = try MetricsWriter(path: folder.metrics, continuingAfter: result.steps, lock: setup.lock)
        try metrics.append(
          EventRecord(event: "end", step: result.steps, time: wallClock(), ranks: last.ranks))
        try metrics.synchronize()
      }
    }
    try communicator.barrier()
    return .wasFinished(setup.finished)
  }

  /// Writes what ranks did since the last time. Now and then, that is enough: what a job that is killed did stays known.
  private func writeTrace(isLast: Bool = false) throws {
    guard let path = setup.options.trace, let timeline = setup.timeline else { return }
    communicator.willEnter("the trace", step: state.cursor.step)
    try timeline.write(
      to: trace, isLast: isLast, place: setup.bindings[communicator.rank], over: communicator)
    clock.lap(.checkpoint)
    if timeline.isFull, isLast {
      recorder?.notice("\(path) holds the first \(Timeline.capacity) spans of each rank, no more")
    }
  }
}
