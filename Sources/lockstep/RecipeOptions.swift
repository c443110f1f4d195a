import ArgumentParser
import Collectives
import Foundation
import Model
import Runs
import Tensors
import Training

/// The flags that make a recipe: a base and what overrides it.
struct RecipeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A built-in recipe (\(Recipe.names.joined(separator: ", "))) or a JSON file, e.g. a run's recipe.json.",
      discussion: "Default: quick; with --resume, the checkpoint's own.", valueName: "name|file.json"))
  var recipe: String?

  @Option(help: "A named network or layers such as 'conv 16x5 stride 2; relu; maxpool 2; dense 10'.")
  var network: String?

  @Option(help: "One of \(OptimizerSpecification.names.joined(separator: ", ")), with its default settings.")
  var optimizer: String?

  @Option(help: "The learning rate (Muon's own, beside its AdamW's, which is scaled alike).")
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

  @Option(help: "Samples per forward and backward pass: the unit that ranks are dealt.")
  var microBatch: Int?

  @Flag(inversion: .prefixedNo, help: "Leave out an epoch's last, smaller global batch.")
  var dropLastBatch: Bool?

  @Option(help: "Shift training images by up to this many pixels; 0 for none.")
  var shift: Int?

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

  @Option(help: "Evaluate an exponential moving average of the weights with this decay, e.g. 0.99.")
  var averaging: Float?

  @Option(
    help: ArgumentHelp(
      "Scale learning rates with the global batch: none, linear or sqrt.",
      discussion: "Relative to the recipe's own batch, or --reference-batch."))
  var scaleLearningRate: String?

  @Option(help: "The global batch at which the learning rates hold unscaled.")
  var referenceBatch: Int?

  /// Whether a base recipe was named.
  var namesRecipe: Bool { recipe != nil }

  /// The recipe: the named one, or that of the checkpoint to go on from, or `quick`; then the flags.
  ///
  /// - Throws: `RecipeError`, `NetworkSpecificationError`.
  func resolve(over checkpoint: Recipe?) throws -> Recipe {
    var result = try base(checkpoint)
    if let network { result.network = try NetworkSpecification(network) }
    try applyOptimizer(to: &result)
    if let schedule {
      guard let named = Schedule(name: schedule) else {
        throw RecipeError(
          "--schedule: expected one of \(Schedule.names.joined(separator: ", ")), found '\(schedule)'")
      }
      result.schedule = named
    }
    if let epochs {
      result.epochs = epochs
      result.steps = nil
    }
    if let steps { result.steps = steps }
    if let globalBatch { result.globalBatch = globalBatch }
    if let microBatch { result.microBatch = microBatch }
    if let dropLastBatch { result.dropsLastBatch = dropLastBatch }
    if let shift { result.shift = shift }
    if let validation { result.validation = validation }
    if let seed { result.seed = seed }
    if let labelSmoothing { result.labelSmoothing = labelSmoothing }
    if let clipGradients { result.gradientClipping = clipGradients }
    if let gradients { result.gradients = gradients == .float32 ? nil : gradients }
    if let averaging { result.averaging = averaging }
    if let scaleLearningRate {
      guard let rule = LearningRateScaling.Rule(rawValue: scaleLearningRate) else {
        throw RecipeError(
          "--scale-learning-rate: expected none, linear or sqrt, found '\(scaleLearningRate)'")
      }
      result.scaling.rule = rule
    }
    if let referenceBatch { result.scaling.referenceBatch = referenceBatch }
    return result
  }

  private func base(_ checkpoint: Recipe?) throws -> Recipe {
    guard let recipe else {
      if let checkpoint { return checkpoint }
      guard let quick = Recipe.named("quick") else { preconditionFailure("`quick` is built in") }
      return quick
    }
    if let named = Recipe.named(recipe) { return named }
    guard let data = FileManager.default.contents(atPath: recipe) else {
      throw RecipeError(
        "--recipe: '\(recipe)' is neither a readable file nor one of \(Recipe.names.joined(separator: ", "))")
    }
    return try Recipe.parse(data, origin: recipe)
  }

  private func applyOptimizer(to recipe: inout Recipe) throws {
    if let optimizer {
      guard let named = OptimizerSpecification(name: optimizer) else {
        throw RecipeError(
          "--optimizer: expected one of \(OptimizerSpecification.names.joined(separator: ", ")), "
            + "found '\(optimizer)'")
      }
      recipe.optimizer = named
    }
    if let learningRate {
      if case .muon(var muon) = recipe.optimizer {
        muon.others.learningRate *= learningRate / muon.learningRate
        muon.learningRate = learningRate
        recipe.optimizer = .muon(muon)
      } else {
        recipe.optimizer.learningRate = learningRate
      }
    }
    if let weightDecay { recipe.optimizer.weightDecay = weightDecay }
    if momentum != nil || nesterov != nil {
      switch recipe.optimizer {
      case .sgd(var sgd):
        sgd.momentum = momentum ?? sgd.momentum
        sgd.nesterov = nesterov ?? sgd.nesterov
        recipe.optimizer = .sgd(sgd)
      case .muon(var muon):
        muon.momentum = momentum ?? muon.momentum
        muon.nesterov = nesterov ?? muon.nesterov
        recipe.optimizer = .muon(muon)
      case .adamW:
        throw RecipeError("--momentum and --nesterov are settings of sgd and muon, found adamw")
      }
    }
  }
}

extension GradientFormat: ExpressibleByArgument {}
