package import Model
package import Tensors

/// Settings that replace a recipe's own; nil leaves what is there.
package struct RecipeOverrides: Hashable, Sendable {
  package var network: NetworkSpecification?
  /// Comes before the optimizer's settings below.
  package var optimizer: OptimizerSpecification?
  /// The learning rate. Muon's is its own; that of the AdamW beside it is scaled alike.
  package var learningRate: Float?
  package var weightDecay: Float?
  /// Momentum of sgd and muon.
  package var momentum: Float?
  /// Nesterov momentum of sgd and muon.
  package var nesterov: Bool?
  package var schedule: Schedule?
  /// Takes a number of steps out of the recipe, since that is another word for where to end.
  package var epochs: Int?
  package var steps: Int?
  package var globalBatch: Int?
  package var microBatch: Int?
  package var dropsLastBatch: Bool?
  package var shift: Int?
  package var augmentation = AugmentationOverrides()
  package var validation: Int?
  package var seed: UInt64?
  package var labelSmoothing: Float?
  /// Infinity for none.
  package var gradientClipping: Float?
  package var gradients: GradientFormat?
  /// 0 for none.
  package var averaging: Float?
  /// 0 for none.
  package var patience: Int?
  package var initialScale: Float?
  package var scalingRule: LearningRateScaling.Rule?
  package var referenceBatch: Int?

  package init() {}
}

extension Recipe {
  /// This recipe with some settings replaced. Ranges are not checked here but by `validate`.
  ///
  /// - Throws: `RecipeError` if the optimizer has no such setting.
  package func applying(_ overrides: RecipeOverrides) throws(RecipeError) -> Recipe {
    var recipe = self
    if let network = overrides.network { recipe.network = network }
    recipe.optimizer = try optimizer.applying(overrides)
    if let schedule = overrides.schedule { recipe.schedule = schedule }
    if let epochs = overrides.epochs {
      recipe.epochs = epochs
      recipe.steps = nil
    }
    if let steps = overrides.steps { recipe.steps = steps }
    if let globalBatch = overrides.globalBatch { recipe.globalBatch = globalBatch }
    if let microBatch = overrides.microBatch { recipe.microBatch = microBatch }
    if let dropsLastBatch = overrides.dropsLastBatch { recipe.dropsLastBatch = dropsLastBatch }
    if let shift = overrides.shift { recipe.shift = shift }
    recipe.augmentation = overrides.augmentation.applied(to: augmentation)
    if let validation = overrides.validation { recipe.validation = validation }
    if let seed = overrides.seed { recipe.seed = seed }
    if let labelSmoothing = overrides.labelSmoothing { recipe.labelSmoothing = labelSmoothing }
    if let gradientClipping = overrides.gradientClipping {
      recipe.gradientClipping = gradientClipping == .infinity ? nil : gradientClipping
    }
    if let gradients = overrides.gradients { recipe.gradients = gradients == .float32 ? nil : gradients }
    if let averaging = overrides.averaging { recipe.averaging = averaging == 0 ? nil : averaging }
    if let patience = overrides.patience { recipe.patience = patience == 0 ? nil : patience }
    if let initialScale = overrides.initialScale {
      recipe.initialScale = initialScale == 1 ? nil : initialScale
    }
    if let rule = overrides.scalingRule { recipe.scaling.rule = rule }
    if let referenceBatch = overrides.referenceBatch { recipe.scaling.referenceBatch = referenceBatch }
    return recipe
  }
}

extension OptimizerSpecification {
  fileprivate func applying(_ overrides: RecipeOverrides) throws(RecipeError) -> OptimizerSpecification {
    var optimizer = overrides.optimizer ?? self
    if let learningRate = overrides.learningRate {
      if case .muon(var muon) = optimizer {
        muon.others.learningRate *= learningRate / muon.learningRate
        muon.learningRate = learningRate
        optimizer = .muon(muon)
      } else {
        optimizer.learningRate = learningRate
      }
    }
    if let weightDecay = overrides.weightDecay { optimizer.weightDecay = weightDecay }
    guard overrides.momentum != nil || overrides.nesterov != nil else { return optimizer }
    switch optimizer {
    case .sgd(var sgd):
      sgd.momentum = overrides.momentum ?? sgd.momentum
      sgd.nesterov = overrides.nesterov ?? sgd.nesterov
      return .sgd(sgd)
    case .muon(var muon):
      muon.momentum = overrides.momentum ?? muon.momentum
      muon.nesterov = overrides.nesterov ?? muon.nesterov
      return .muon(muon)
    case .adamW:
      throw RecipeError("--momentum and --nesterov are settings of sgd and muon, found adamw")
    }
  }
}
