internal import Files
package import Model
package import Tensors

/// Everything that decides what model a run ends with, in one value. Rank count, hosts and time are not in it.
///
/// It is printed when a run starts and stored in the run's folder and in every checkpoint, so that a run can
/// be repeated from its own output.
package struct Recipe: Hashable, Sendable, Codable {
  /// What people call it; no meaning of its own.
  package var name = "quick"
  package var network: NetworkSpecification
  package var optimizer: OptimizerSpecification
  package var schedule: Schedule
  /// Samples per optimizer step, over all ranks.
  package var globalBatch = 64
  /// Samples per forward and backward pass: the unit of work that ranks are dealt.
  package var microBatch = 4
  /// Passes over the training samples.
  package var epochs = 2
  /// Optimizer steps, where the run is to end elsewhere than at the end of an epoch.
  package var steps: Int?
  /// Whether the samples behind an epoch's last whole global batch are left out of that epoch.
  package var dropsLastBatch = true
  /// The largest shift of a training image, in pixels, in both directions; 0 for none.
  package var shift = 1
  /// How training images are distorted besides; nil for not at all.
  package var augmentation: Augmentation?
  /// How many of the last training samples are kept for validation instead of training.
  package var validation = 5000
  /// What all random numbers of the run are a function of.
  package var seed: UInt64 = 0
  /// ε of label smoothing, 0 for none.
  package var labelSmoothing: Float = 0
  /// The largest Euclidean norm of the mean gradient; longer ones are scaled down to it.
  package var gradientClipping: Float?
  /// The precision of gradient sums; nil for `float32`.
  package var gradients: GradientFormat?
  /// The decay of an exponential moving average of the weights, which is then what is evaluated.
  package var averaging: Float?
  /// After how many epochs in a row without a better validation accuracy the run ends, with the weights of the best one;
  /// nil to train to the end, and keep what is there then.
  package var patience: Int?
  /// How the learning rate follows the global batch.
  package var scaling = LearningRateScaling()
  /// What the usual initial weights are multiplied by (docs/neural-network.md, "Initial weights"); nil for 1.
  package var initialScale: Float?
  /// SHA-256 of the file whose weights the run begins with, as `train --from` read it; nil for weights drawn from the
  /// seed.
  package var initialModel: String?

  /// The keys of a recipe in JSON. A setting without a key would not be written down.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, network, optimizer, schedule, globalBatch, microBatch, epochs, steps, dropsLastBatch, shift
    case augmentation, validation, seed, labelSmoothing, gradientClipping, gradients, averaging, patience,
      scaling
    case initialScale, initialModel
  }

  package init(network: NetworkSpecification, optimizer: OptimizerSpecification, schedule: Schedule) {
    self.network = network
    self.optimizer = optimizer
    self.schedule = schedule
  }

  /// The optimizer with the scaling rule applied to its learning rates.
  package var effectiveOptimizer: OptimizerSpecification {
    optimizer.scaled(by: scaling.factor(globalBatch: globalBatch))
  }
}

/// A rule that raises the learning rate with the global batch; none unless asked for.
package struct LearningRateScaling: Hashable, Sendable, Codable {
  /// The rule's shape.
  package enum Rule: String, Sendable, Codable, CaseIterable {
    case none
    /// In proportion (Goyal et al. 2017, §2.1).
    case linear
    /// In proportion to the square root (Krizhevsky 2014, §3.2; for Adam: Malladi et al. 2022).
    case squareRoot = "sqrt"
  }

  package var rule = Rule.none
  /// The global batch at which the recipe's learning rates hold as they stand.
  package var referenceBatch = 64

  package init() {}

  /// What the learning rates are multiplied by.
  package func factor(globalBatch: Int) -> Float {
    let ratio = Float(globalBatch) / Float(referenceBatch)
    return switch rule {
    case .none: 1
    case .linear: ratio
    case .squareRoot: ratio.squareRoot()
    }
  }
}

/// Why a recipe cannot be used.
package struct RecipeError: ReportedError, Sendable {
  package var exitCode: Int32 { 64 }
  /// One sentence.
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}

extension Recipe {
  /// Checks ranges, and what must fit together without regard to a dataset.
  ///
  /// - Throws: `RecipeError` or `NetworkSpecificationError` with one sentence on the first problem.
  package func validate() throws {
    try network.requireLogits()
    try validateRanges()
    guard patience == nil || validation > 0 else {
      throw RecipeError(
        "recipe: 'patience' (--patience) waits for a better validation accuracy, and 'validation' (--validation) is 0: "
          + "keep some samples, or give --patience 0")
    }
  }

  /// Checks that so many training images of shape `image` are enough for this recipe, and large enough for its shifts.
  ///
  /// - Throws: `RecipeError` with one sentence on the first problem.
  package func validate(trainCount: Int, image: Shape) throws(RecipeError) {
    func require(_ condition: Bool, _ sentence: String) throws(RecipeError) {
      if !condition { throw RecipeError("recipe: \(sentence)") }
    }
    try require(
      validation < trainCount,
      "\(validation) validation samples leave nothing of \(trainCount) training samples to train on")
    try require(
      !dropsLastBatch || globalBatch <= trainCount - validation,
      "a global batch of \(globalBatch) is larger than the \(trainCount - validation) training samples")
    try require(
      shift < min(image.height, image.width),
      "'shift' (--shift) of \(shift) pixels leaves nothing of images of \(image.height) × \(image.width)")
    let translation = augmentation?.translation ?? 0
    try require(
      translation < Float(min(image.height, image.width)),
      "'augmentation.translation' (--augment-translation) of \(translation) pixels leaves nothing of images of "
        + "\(image.height) × \(image.width)")
  }
}
