internal import Model

extension Recipe {
  /// The names that `--recipe` knows.
  package static let names = [
    "quick", "sprint", "medium", "medium-512", "medium-1024", "keras", "pytorch", "wide", "best", "mlp",
    "linear",
  ]

  /// The built-in recipe of that name, nil for another.
  ///
  /// `quick` and `medium` are Lockstep's own; `sprint` trains as short as a mean of 99.04 % allows; `keras` and `pytorch` follow the examples that these frameworks
  /// ship for MNIST, with AdamW in place of Adam and Adadelta. `medium-512` and `medium-1024` have the large
  /// global batches that many ranks need; docs/development/scaling.md tells how they were found. `best` is as accurate as some minutes
  /// on two cores allow.
  package static func named(_ name: String) -> Recipe? {
    let networkName = name.hasPrefix("medium-") ? "medium" : name
    guard names.contains(name), let network = NetworkSpecification.named[networkName] else { return nil }
    var recipe = Recipe(
      network: network, optimizer: .muon(MuonSpecification()), schedule: .oneCycle(warmup: 0.2))
    recipe.name = name
    switch name {
    case "sprint":
      // Found by searches on validation: docs/results.md.
      recipe.epochs = 1
      recipe.steps = 500
      recipe.optimizer = .muon(sprinting)
      recipe.schedule = .oneCycle(warmup: 0.08)
      recipe.labelSmoothing = 0.11
      recipe.initialScale = 0.25
      recipe.averaging = 0.92
    case "medium-512", "medium-1024":
      // The learning rate stays that of a batch of 64, and grows with the square root.
      recipe.scaling.rule = .squareRoot
      recipe.scaling.referenceBatch = recipe.globalBatch
      recipe.globalBatch = name == "medium-512" ? 512 : 1024
      recipe.microBatch = 8
      recipe.epochs = name == "medium-512" ? 4 : 5
      return recipe
    case "keras":
      recipe.optimizer = .adamW(adamW(learningRate: 0.001))
      recipe.schedule = .constant
      recipe.globalBatch = 128
      recipe.microBatch = 8
      recipe.epochs = 15
      recipe.shift = 0
    case "pytorch":
      recipe.optimizer = .adamW(adamW(learningRate: 0.001))
      recipe.schedule = .step(factor: 0.7, epochs: 1)
      recipe.epochs = 14
      recipe.shift = 0
      recipe.microBatch = 32
    case "wide":
      recipe.globalBatch = 128
      recipe.microBatch = 8
      recipe.epochs = 4
    case "best":
      recipe.globalBatch = 128
      recipe.microBatch = 8
      recipe.epochs = 15
      recipe.schedule = .cosine(warmup: 0.1)
      recipe.averaging = 0.998
      recipe.shift = 0
      recipe.augmentation = augmentation
      recipe.initialScale = 0.4
    case "mlp", "linear":
      recipe.optimizer = .adamW(adamW(learningRate: 0.002))
      recipe.epochs = 5
      recipe.shift = 0
      recipe.microBatch = 8
    default: break
    }
    recipe.scaling.referenceBatch = recipe.globalBatch
    return recipe
  }

  /// What handwriting may do and stay the digit that it is.
  private static var augmentation: Augmentation {
    var augmentation = Augmentation()
    augmentation.rotation = 12
    augmentation.scale = 0.12
    augmentation.aspect = 0.08
    augmentation.shear = 0.15
    augmentation.translation = 2
    augmentation.elastic = 0.7
    return augmentation
  }

  private static var sprinting: MuonSpecification {
    var specification = MuonSpecification()
    specification.learningRate = 0.06
    specification.momentum = 0.8
    specification.others.learningRate = 0.012
    specification.others.beta2 = 0.95
    return specification
  }

  private static func adamW(learningRate: Float) -> AdamWSpecification {
    var specification = AdamWSpecification()
    specification.learningRate = learningRate
    specification.beta2 = 0.999
    specification.weightDecay = 0
    return specification
  }
}
