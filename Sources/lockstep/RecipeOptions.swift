import ArgumentParser
import Foundation
import Model
import Runs
import Tensors

/// The flags that make a recipe: a base and what overrides it.
struct RecipeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A built-in recipe (\(Recipe.names.joined(separator: ", "))) or a JSON file, e.g. a run's recipe.json.",
      discussion: "Default: quick; with --resume or --from, the checkpoint's own.",
      valueName: "name|file.json"))
  var recipe: String?

  @Option(help: "A named network or layers such as 'conv 16x5 stride 2; relu; maxpool 2; dense 10'.")
  var network: String?

  @Option(help: "One of \(OptimizerSpecification.names.joined(separator: ", ")), with its default settings.")
  var optimizer: String?

  @Option(help: "The learning rate (Muon's own; that of its AdamW is scaled with it).")
  var learningRate: Float?

  @Option(help: "Weight decay.")
  var weightDecay: Float?

  @Option(help: "Momentum of sgd and muon.")
  var momentum: Float?

  @Flag(inversion: .prefixedNo, help: "Nesterov momentum, for sgd and muon.")
  var nesterov: Bool?

  @Option(help: "How the learning rate changes: \(Schedule.names.joined(separator: ", ")).")
  var schedule: String?

  @Option(help: "Passes over the training samples.")
  var epochs: Int?

  @Option(help: "Optimizer steps, instead of whole epochs.")
  var steps: Int?

  @Option(help: "Samples per optimizer step, over all ranks.")
  var globalBatch: Int?

  @Option(help: "Samples per forward and backward pass: the unit of work that ranks get.")
  var microBatch: Int?

  @Flag(inversion: .prefixedNo, help: "Leave out an epoch's last, smaller global batch.")
  var dropLastBatch: Bool?

  @Option(help: "Shift training images by up to this many pixels; 0 for none.")
  var shift: Int?

  @OptionGroup var augmentationOptions: AugmentationOptions

  @Option(help: "Keep this many of the last training samples for validation; 0 for none.")
  var validation: Int?

  @Option(help: "The seed of everything random.")
  var seed: UInt64?

  @Option(help: "Label smoothing, from 0 to below 1.")
  var labelSmoothing: Float?

  @Option(help: "Scale gradients down to this Euclidean norm.")
  var clipGradients: Float?

  @Option(
    help: ArgumentHelp(
      "The precision of gradient sums: float32, or bfloat16 to send half as much.",
      discussion: "Either gives the same bits at any number of ranks; bfloat16 gives another model."))
  var gradients: GradientFormat?

  @Option(
    help: "Evaluate an exponential moving average of the weights with this decay, e.g. 0.99; 0 for none.")
  var averaging: Float?

  @Option(
    help: ArgumentHelp(
      "End after this many epochs in a row without a better validation accuracy; 0 to train to the end.",
      discussion: "The model is then that of the best epoch."))
  var patience: Int?

  @Option(help: "Multiply the initial weights by this: below 1, features change sooner.")
  var initialScale: Float?

  @Option(
    help: ArgumentHelp(
      "Scale learning rates with the global batch: none, linear or sqrt.",
      discussion: "Relative to the recipe's own batch, or --reference-batch."))
  var scaleLearningRate: String?

  @Option(help: "The global batch at which the learning rates hold unscaled.")
  var referenceBatch: Int?

  /// The recipe: the named one, or that of the checkpoint to go on from, or `quick`; then the flags.
  ///
  /// - Throws: `RecipeError`, `NetworkSpecificationError`.
  func resolve(over checkpoint: Recipe?) throws -> Recipe {
    try base(checkpoint).applying(overrides())
  }

  /// The file that the recipe is read from; nil for a built-in one.
  var file: String? { recipe.flatMap { Recipe.named($0) == nil ? $0 : nil } }

  private func base(_ checkpoint: Recipe?) throws -> Recipe {
    guard let recipe else {
      if let checkpoint { return checkpoint }
      guard let quick = Recipe.named("quick") else { preconditionFailure("`quick` is built in") }
      return quick
    }
    return try Self.read(recipe, option: "--recipe")
  }

  /// A built-in recipe, or one in a file; `option` is what asks for it.
  ///
  /// - Throws: `RecipeError`.
  static func read(_ recipe: String, option: String) throws -> Recipe {
    if let named = Recipe.named(recipe) { return named }
    guard let data = FileManager.default.contents(atPath: recipe) else {
      throw RecipeError(
        "\(option): '\(recipe)' is neither a readable file nor one of \(Recipe.names.joined(separator: ", "))"
      )
    }
    return try Recipe.parse(data, origin: recipe)
  }

  /// What the flags say, words read.
  private func overrides() throws -> RecipeOverrides {
    func read<Value>(
      _ word: String?, of option: String, expected: String, _ value: (String) -> Value?
    ) throws -> Value? {
      guard let word else { return nil }
      guard let value = value(word) else {
        throw RecipeError("\(option): expected \(expected), found '\(word)'")
      }
      return value
    }
    var overrides = RecipeOverrides()
    overrides.network = try network.map { try NetworkSpecification($0) }
    overrides.optimizer = try read(
      optimizer, of: "--optimizer",
      expected: "one of \(OptimizerSpecification.names.joined(separator: ", "))",
      OptimizerSpecification.init(name:))
    overrides.learningRate = learningRate
    overrides.weightDecay = weightDecay
    overrides.momentum = momentum
    overrides.nesterov = nesterov
    overrides.schedule = try read(
      schedule, of: "--schedule", expected: "one of \(Schedule.names.joined(separator: ", "))",
      Schedule.init(name:))
    overrides.epochs = epochs
    overrides.steps = steps
    overrides.globalBatch = globalBatch
    overrides.microBatch = microBatch
    overrides.dropsLastBatch = dropLastBatch
    overrides.shift = shift
    overrides.augmentation = augmentationOptions.overrides
    overrides.validation = validation
    overrides.seed = seed
    overrides.labelSmoothing = labelSmoothing
    overrides.gradientClipping = clipGradients
    overrides.gradients = gradients
    overrides.averaging = averaging
    overrides.patience = patience
    overrides.initialScale = initialScale
    overrides.scalingRule = try read(
      scaleLearningRate, of: "--scale-learning-rate", expected: "none, linear or sqrt",
      LearningRateScaling.Rule.init(rawValue:))
    overrides.referenceBatch = referenceBatch
    return overrides
  }
}

extension GradientFormat: ExpressibleByArgument {}
