internal import Collectives
internal import Datasets
internal import Files
internal import Formatting
internal import Model
package import Runs
internal import Tensors

/// A recipe made ready to be trained by the ranks of a communicator: what a run and a trial have in common.
struct TrainingSetup {
  let communicator: any Communicator
  let recipe: Recipe
  let plan: StepPlan
  let totalSteps: Int
  let network: Network
  /// As initialised, or as restored from a checkpoint.
  let state: TrainingState
  let step: TrainingStep
  /// The ranks that this one shares memory with.
  let group: NodeGroup
  /// The training samples as they lie: the first deal starts from them.
  let samples: NodeSamples
  /// nil where the recipe keeps no samples for validation.
  let validation: Evaluator?
  /// Whether nodes are dealt leaves after their speeds.
  let dealsBySpeed: Bool
  /// Parameters are compared across ranks every so many steps, and at the end.
  let verifyEvery: Int
  /// Where the last good checkpoints are, in words.
  let refuge: String
  /// What all ranks do when; nil unless asked for.
  let timeline: Timeline?
}

extension StepPlan {
  /// The steps of `recipe` on so many training samples, those for validation included.
  package init(_ recipe: Recipe, trainCount: Int) {
    self.init(
      sampleCount: trainCount - recipe.validation, globalBatch: recipe.globalBatch,
      microBatch: recipe.microBatch, dropsLastBatch: recipe.dropsLastBatch)
  }

  /// The steps of a whole run.
  package func totalSteps(_ recipe: Recipe) -> Int { recipe.steps ?? recipe.epochs * stepsPerEpoch }

  /// More training samples than anybody can wait for, and far from overflow.
  package static let mostSamples = 1 << 45

  /// The training samples in them, if nothing ends the run before; at most `mostSamples`.
  package func samples(_ recipe: Recipe) -> Int {
    let (epochs, rest) = totalSteps(recipe).quotientAndRemainder(dividingBy: max(stepsPerEpoch, 1))
    let perEpoch = dropsLastBatch ? stepsPerEpoch * globalBatch : sampleCount
    guard Double(epochs + 1) * Double(perEpoch) < Double(Self.mostSamples) else { return Self.mostSamples }
    return epochs * perEpoch + min(rest * globalBatch, perEpoch)
  }
}

/// Memory for the samples, the state and the reduction, which the ranks of a node have in common where they can. Called by
/// all ranks.
///
/// `capacity` are the samples that a rank may have to keep, of `trainCount` in all, with frames of up to `longest` pixels.
func shareTrainingMemory(
  _ recipe: Recipe, layout: ParameterLayout, plan: StepPlan, capacity: Int, trainCount: Int,
  longest: Int, over communicator: any Communicator
) throws(CommunicatorError) -> NodeGroup {
  try NodeGroup.sharing(communicator) { localSize in
    NodeSamples.byteCount(localSize: localSize, capacity: capacity, total: trainCount, longest: longest)
      + TrainingState.byteCount(recipe: recipe, layout: layout)
      + TrainingStep.byteCount(localSize: localSize, layout: layout, plan: plan)
  }
}

/// Draws the weights that training begins with, on one rank of each node. Called by all ranks, which meet meanwhile: for
/// hundreds of millions of weights it may take longer than they wait for one another.
func initialize(
  _ state: TrainingState, _ recipe: Recipe, group: NodeGroup, over communicator: any Communicator,
  notice: (String) -> Void
) throws {
  communicator.willEnter("the initialisation of the weights", step: 0)
  let start = MonotonicClock.now()
  var hasTold = false
  // Another thread has it for as long as this one waits.
  nonisolated(unsafe) let state = state
  let work: @Sendable () -> Void = { state.initialize(recipe) }
  _ = try communicator.patiently(group.isLeader ? work : nil) { _ in
    guard !hasTold, MonotonicClock.now() - start > 8 else { return }
    hasTold = true
    notice("drawing the initial weights of \(Numbers.grouped(state.layout.count)) parameters")
  }
  communicator.willEnter("the start", step: 0)
}
