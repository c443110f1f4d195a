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

  /// Prepares the folder of checkpoints.
  ///
  /// - Throws: `FileError` if it cannot be created.
  init(_ setup: RunSetup, recorder: RunRecorder) throws(FileError) {
    self.setup = setup
    self.recorder = recorder
    keeper = try CheckpointKeeper(
      folder: setup.options.folder, kept: setup.options.checkpointsKept, tensors: setup.state.tensors)
  }

  /// Saves after a step at the end of an epoch, every so many steps, and where a signal asked for it.
  ///
  /// - Throws: `RunError` if a checkpoint could not be written.
  func save(after outcome: StepOutcome, isEpochEnd: Bool, validation: Evaluation?) throws {
    let isPeriodic = setup.options.checkpointEvery.map { state.cursor.step % $0 == 0 } ?? false
    let isDue = isEpochEnd || isPeriodic || outcome.isStopRequested
    let isEnd = state.cursor.step == setup.totalSteps
    // A signal reaches the ranks some steps apart, so requests within a second are one.
    let isFirstRequest =
      outcome.isSaveRequested && !isEnd && !outcome.isStopRequested && MonotonicClock.now() - lastRequest > 1
    guard isDue || isFirstRequest else { return }
    if isFirstRequest { lastRequest = MonotonicClock.now() }
    // A run that goes on from this checkpoint finds all steps before it in the metrics, after a power cut too.
    try recorder.synchronize()
    try keeper.save(step: state.cursor.step, metadata: metadata(validation), pieces: state.pieces)
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

  /// Writes the model at the end, and returns its file's SHA-256.
  ///
  /// - Throws: `RunError` if it cannot be written or read back.
  func writeFinal(validation: Evaluation?) throws -> String {
    try recorder.synchronize()
    return try keeper.writeFinal(metadata: metadata(validation), pieces: state.pieces).description
  }

  private func metadata(_ validation: Evaluation?) -> [String: String] {
    state.metadata(recipe: setup.recipe, facts: setup.dataset, validation: validation)
  }
}
