internal import Checkpoints
internal import Digests
internal import Files
internal import Runs

/// Decides when a checkpoint is due, and has it written; on the root alone.
final class RunSaver {
  private let setup: RunSetup
  private let recorder: RunRecorder
  private let keeper: CheckpointKeeper
  private var lastRequest = -Double.infinity

  private var state: TrainingState { setup.state }

  /// Prepares the folder of checkpoints. Those of later steps than the run goes on from are no longer its own: the newest
  /// must be what it came to last.
  ///
  /// - Throws: `RunError` if the folder cannot be created or changed, or if checkpoints would be too large to be read.
  init(_ setup: RunSetup, recorder: RunRecorder) throws(RunError) {
    self.setup = setup
    self.recorder = recorder
    keeper = try CheckpointKeeper(
      folder: setup.options.folder, kept: setup.options.checkpointsKept, tensors: setup.state.tensors)
    for path in try keeper.setAside(after: setup.state.cursor.step) {
      recorder.notice(
        "this run goes on from step \(setup.state.cursor.step): what it had saved later is now \(path)")
    }
  }

  /// Whether `save` may save after this step: the same on all ranks, which have to agree on the state beforehand.
  static func mayBeDue(
    after outcome: StepOutcome, step: Int, isEpochEnd: Bool, _ options: TrainingOptions
  ) -> Bool {
    isDue(after: outcome, step: step, isEpochEnd: isEpochEnd, options) || outcome.isSaveRequested
  }

  /// At the end of an epoch, every so many steps, and before a stop.
  private static func isDue(
    after outcome: StepOutcome, step: Int, isEpochEnd: Bool, _ options: TrainingOptions
  ) -> Bool {
    isEpochEnd || outcome.isStopRequested || options.checkpointEvery.map { step % $0 == 0 } ?? false
  }

  /// Saves after a step where that is due, and where a signal asked for it. The state must be one that all ranks have
  /// agreed on.
  ///
  /// - Throws: `RunError` if a checkpoint could not be written.
  func save(after outcome: StepOutcome, isEpochEnd: Bool, validation: Evaluation?) throws {
    let isDue = Self.isDue(
      after: outcome, step: state.cursor.step, isEpochEnd: isEpochEnd, setup.options)
    let isEnd = state.cursor.step == setup.totalSteps
    // A signal reaches the ranks some steps apart, so requests within a second are one.
    let isFirstRequest =
      outcome.isSaveRequested && !isEnd && !outcome.isStopRequested && MonotonicClock.now() - lastRequest > 1
    guard isDue || isFirstRequest else { return }
    if isFirstRequest { lastRequest = MonotonicClock.now() }
    // A run that goes on from this checkpoint finds all steps before it in the metrics, after a power cut too.
    try recorder.synchronize()
    let link = [Receipt.linkKey: recorder.link]
    try keeper.save(
      step: state.cursor.step, metadata: metadata(validation).merging(link) { $1 }, pieces: state.pieces)
    try recorder.event("checkpoint")
    try recorder.flush()
    if isFirstRequest { recorder.notice("saved step \(state.cursor.step), going on") }
  }

  /// Waits until everything is on the disk.
  ///
  /// - Throws: `RunError` if something could not be written.
  func finish() throws {
    try keeper.finish()
  }

  /// Writes the receipt and the model at the end, and returns the model's file's SHA-256. How the model came about is in the
  /// receipt: its file is the same for whoever arrived at it.
  ///
  /// - Throws: `RunError` if it cannot be written or read back.
  func writeFinal(validation: Evaluation?) throws -> String {
    try recorder.synchronize()
    try recorder.writeReceipt()
    return try keeper.writeFinal(metadata: metadata(validation), pieces: state.pieces).description
  }

  private func metadata(_ validation: Evaluation?) -> [String: String] {
    state.metadata(recipe: setup.recipe, facts: setup.dataset, validation: validation)
  }
}
