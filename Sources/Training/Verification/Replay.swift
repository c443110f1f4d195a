internal import Checkpoints
internal import Collectives
internal import Digests
internal import Files
internal import Foundation
internal import Inference
internal import Model
internal import Runs
internal import Tensors

/// Takes a run's steps again, on the ranks of a communicator and from wherever its state is known, and changes nothing in
/// the run's folder. All calls are made by all ranks. It goes forward only.
final class Replay {
  private let segments: [Receipt.Segment]
  private let data: TrialData
  private let communicator: any Communicator
  private var current: (segment: Int, setup: TrainingSetup, dealer: EpochDealer)?
  private var clock = PhaseClock(nil)

  /// Prepares steps that were taken under the conditions of `segments`, in order.
  init(_ segments: [Receipt.Segment], on data: TrialData, over communicator: any Communicator) {
    (self.segments, self.data, self.communicator) = (segments, data, communicator)
  }

  /// The setup of the step that was begun with or taken last.
  var setup: TrainingSetup {
    guard let current else { preconditionFailure("no step was begun with") }
    return current.setup
  }

  /// Steps taken; nil before the first `begin`.
  var step: Int? { current?.setup.state.cursor.step }

  /// Goes to the state at a start; `initialModel` is the file that the run began with, where it began with one.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  func begin(at start: ReplayStart, initialModel: String?) throws {
    let segment = segments.lastIndex { $0.step <= start.step } ?? 0
    if current?.segment != segment || start.file == nil { try prepare(segment) }
    let setup = setup
    defer { communicator.willEnter("the start", step: start.step) }
    let saved = try start.file.map { path in
      try SavedState.shared(over: communicator) { try CheckpointFile(reading: path) }
    }
    if let saved, let saved {
      try together(communicator) {
        try saved.requireContinuation(recipe: setup.recipe, facts: data.facts)
      }
      try setup.state.restore(from: saved, group: setup.group, over: communicator)
    } else if let digest = setup.recipe.initialModel {
      let model = try SavedState.shared(over: communicator) {
        guard let initialModel else { return nil }
        let (file, found) = try CheckpointFile.readingWithDigest(initialModel)
        guard found.description == digest else {
          throw RunError(
            "\(initialModel) is not the model that the run began with: expected the SHA-256 \(digest), found \(found)",
            exitCode: 65)
        }
        return file
      }
      if let model { try setup.state.begin(with: model, group: setup.group, over: communicator) }
    }
    setup.state.cursor = Cursor(step: start.step, stepsPerEpoch: setup.plan.stepsPerEpoch)
    try setup.group.barrier()
  }

  /// Goes to a state that another replay has come to, of the same layout.
  ///
  /// - Throws: `RunError` with exit code 65 if it holds other buffers.
  func begin(with other: TrainingState) throws {
    let segment = segments.lastIndex { $0.step <= other.cursor.step } ?? 0
    try prepare(segment)
    try copy(other, to: setup)
  }

  /// Takes the next step.
  ///
  /// - Throws: `RunError`, `CommunicatorError`.
  func takeStep() throws -> StepOutcome {
    try deal()
    communicator.willEnter("the reduction", step: setup.state.cursor.step + 1)
    let outcome = try setup.step.run(setup.state, samples: setup.samples)
    let state = setup.state
    state.cursor = Cursor(step: state.cursor.step + 1, stepsPerEpoch: setup.plan.stepsPerEpoch)
    return outcome
  }

  /// Makes everything ready for the next step: the conditions that it was taken under, and its samples.
  func deal() throws {
    guard let before = current, let step else { preconditionFailure("no step was begun with") }
    let segment = segments.lastIndex { $0.step <= step } ?? 0
    if segment != before.segment {
      let old = before.setup
      try prepare(segment, releasing: false)
      try copy(old.state, to: setup)
      try old.group.release()
    }
    let cursor = setup.state.cursor
    try current?.dealer.deal(cursor, &clock)
  }

  /// Gives memory back. Called at the end.
  func finish() throws {
    try current?.setup.group.barrier()
    try current?.setup.group.release()
    current = nil
  }

  private func prepare(_ segment: Int, releasing: Bool = true) throws {
    if releasing { try finish() }
    let recipe = try together(communicator) { try self.recipe(of: segments[segment]) }
    let setup = try TrainingSetup(
      recipe, on: data, over: communicator,
      options: StepOptions(isDigesting: true, isStopRequested: { false }), refuge: "the run's folder")
    current = (segment, setup, EpochDealer(setup))
  }

  private func recipe(of segment: Receipt.Segment) throws -> Recipe {
    do {
      let recipe = try Recipe.parse(
        Data(segment.conditions.recipe.utf8), origin: "the recipe from step \(segment.step + 1) on")
      try recipe.validate()
      try recipe.validate(trainCount: data.facts.trainCount, image: data.inputShape)
      return recipe
    } catch {
      throw RunError(RunError(error).description, exitCode: 65)
    }
  }

  private func copy(_ old: TrainingState, to setup: TrainingSetup) throws {
    let sources = Dictionary(uniqueKeysWithValues: old.buffers.map { ($0.prefix, $0.values) })
    for (prefix, values) in setup.state.buffers {
      guard let source = sources[prefix], source.count == values.count else {
        throw RunError.shared(
          "the run changed its network or optimizer after step \(old.cursor.step): expected the state '\(prefix)', "
            + "found none", exitCode: 65)
      }
      if setup.group.isLeader { values.copy(from: source) }
    }
    setup.state.cursor = Cursor(step: old.cursor.step, stepsPerEpoch: setup.plan.stepsPerEpoch)
    try setup.group.barrier()
  }
}

/// Where a run's state is known: before its first step, or in a file.
package struct ReplayStart: Codable, Hashable, Sendable {
  /// Steps taken.
  package var step: Int
  /// nil for the beginning of the run.
  package var file: String?

  package init(step: Int, file: String?) {
    (self.step, self.file) = (step, file)
  }
}
