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

/// A run: trains a model by a `TrainingLoop`, and keeps records, checkpoints and the result in the run's folder. The test set
/// is scored once, at the end.
package final class Trainer {
  private let setup: RunSetup
  private let communicator: any Communicator
  private let state: TrainingState
  private let loop: TrainingLoop
  /// On the root alone.
  private let recorder: RunRecorder?
  private let saver: RunSaver?
  private let trace: TraceWriter?

  /// Where this rank's training steps spent their time so far; layers only if the options ask for them.
  package var profile: Profile {
    Profile(
      images: loop.totals.images, ranks: communicator.worldSize, phases: loop.totals.times,
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
    loop = TrainingLoop(setup.training, start: options.processStart)
  }

  /// Trains to the end, or until a signal asks for a stop. Called by all ranks.
  ///
  /// - Throws: `RunError`; where it is not shared by all ranks, the caller must abort the others.
  package func run() throws -> RunEnd {
    defer { setup.lock?.release() }
    if setup.isFinished { return try confirmEnd() }
    recorder?.announce()
    switch try loop.run(beside: self) {
    case .complete(let validation): return .finished(try finish(validation))
    case .stopped: return try stop()
    }
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
    let validation = try loop.finalValidation(validation)
    loop.clock.restart()
    let test = try setup.test.evaluate(state.model)
    loop.clock.lap(.test)
    for (evaluation, place) in [(validation, "in validation"), (test, "on the test set")] {
      if let evaluation { try loop.requireConvergence(evaluation.loss, place, beside: self) }
    }
    let digest =
      try whileRootWorks(
        communicator, saver.map { saver in { try saver.writeFinal(validation: validation) } }) ?? ""
    let result = try RunResult(
      setup, loop.totals, test: test, validation: validation, checkpointDigest: digest,
      receipt: recorder?.link)
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
          EventRecord(
            event: "end", step: result.steps, time: wallClock(), ranks: last.ranks, link: result.receipt))
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
    loop.clock.lap(.checkpoint)
    if timeline.isFull, isLast {
      recorder?.notice("\(path) holds the first \(Timeline.capacity) spans of each rank, no more")
    }
  }
}

extension Trainer: LoopCompanion {
  func didStep(_ outcome: StepOutcome, times: PhaseTimes, sums: EpochSums) throws {
    try recorder?.step(outcome, times: times, sums: sums)
  }

  func didEndEpoch(_ sums: EpochSums, validation: Evaluation?, work: [LeafWork]) throws {
    try recorder?.epoch(sums, validation: validation, work: work)
  }

  func mayBeSaved(after outcome: StepOutcome, isEpochEnd: Bool) -> Bool {
    RunSaver.mayBeDue(after: outcome, step: state.cursor.step, isEpochEnd: isEpochEnd, setup.options)
  }

  func save(after outcome: StepOutcome, isEpochEnd: Bool, validation: Evaluation?) throws {
    try whileRootWorks(
      communicator,
      saver.map { saver in
        { try saver.save(after: outcome, isEpochEnd: isEpochEnd, validation: validation) }
      })
  }

  func didComplete(isVerified: Bool, isEpochEnd: Bool) throws {
    if isVerified || isEpochEnd { try writeTrace() }
  }

  func didDiverge() throws {
    try saver?.finish()
    try recorder?.event("diverged")
    try recorder?.flush()
    try writeTrace()
  }

  func notice(_ sentence: String) {
    recorder?.notice(sentence)
  }
}
