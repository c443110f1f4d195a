internal import Collectives
internal import Datasets
internal import Digests
internal import Model
internal import Runs
internal import Tensors

/// Whether this machine computes the same models as any other: trains each named recipe for some steps on digits that
/// Lockstep draws itself, and compares the parameters with what they must be.
package enum SelfTest {
  /// How a recipe fared.
  package struct Outcome: Hashable, Sendable {
    /// The recipe's name.
    package var recipe: String
    /// SHA-256 of the parameters that this machine computed.
    package var digest: String
    /// Whether they are those of `expected`.
    package var isRight: Bool { SelfTest.expected[recipe] == digest }
  }

  /// Steps that each recipe takes, and the samples of one: few, so that all take about a second. Micro-batches, layers
  /// and optimizers are the recipe's, so nothing that shapes a product is left out.
  private static let steps = 20
  private static let globalBatch = 32

  /// Trains the recipe of that name on this rank alone.
  ///
  /// - Throws: `RunError` if there is no such recipe.
  package static func run(_ name: String) throws -> Outcome {
    guard var recipe = Recipe.named(name) else {
      throw RunError("there is no recipe '\(name)'", exitCode: 64)
    }
    let sampleCount = steps * globalBatch
    recipe.globalBatch = globalBatch
    recipe.validation = 0
    let plan = StepPlan(
      sampleCount: sampleCount, globalBatch: globalBatch, microBatch: recipe.microBatch,
      dropsLastBatch: recipe.dropsLastBatch)
    let network = try Network(recipe.network, capacity: recipe.microBatch)
    let state = TrainingState(recipe: recipe, layout: network.layout)
    let alone = SingleCommunicator()
    let group = NodeGroup.alone(alone)
    let step = TrainingStep(
      recipe: recipe, plan: plan, totalSteps: steps, network: network, communicator: alone, group: group,
      options: StepOptions())
    let samples = NodeSamples(
      SyntheticDigits(seed: 1).draw(.train, 0..<sampleCount), first: 0,
      format: SyntheticDigits.format, capacity: sampleCount,
      placement: Placement(ranges: [0..<sampleCount], totalSamples: sampleCount), group: group)
    for number in 0..<steps {
      state.cursor = Cursor(step: number, stepsPerEpoch: plan.stepsPerEpoch)
      _ = try step.run(state, samples: samples)
    }
    return Outcome(recipe: name, digest: SHA256Digest(of: state.parameters.bytes).description)
  }
}
