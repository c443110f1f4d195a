internal import Model

extension Recipe {
  /// The most optimizer steps that a run can have: more than anybody can wait for, and far from overflow.
  package static let mostSteps = 1_000_000_000_000_000

  /// Checks that every number is finite and in its range, whatever brought it here: a flag, a file or a checkpoint.
  ///
  /// `origin` is what the error calls the recipe, e.g. a file's path.
  ///
  /// - Throws: `RecipeError` with one sentence on the first number that is not, with its key in JSON and its flag.
  package func validateRanges(origin: String = "recipe") throws(RecipeError) {
    let check = RangeCheck(origin: origin)
    // The largest numbers keep every product of them below 2⁶³, and sample counts exact as Float.
    try check("globalBatch", "--global-batch", globalBatch, 1...1 << 24)
    try check("microBatch", "--micro-batch", microBatch, 1...1024)
    try check("epochs", "--epochs", epochs, 1...1_000_000_000)
    if let steps { try check("steps", "--steps", steps, 1...Self.mostSteps) }
    try check("shift", "--shift", shift, 0...8)
    try check("validation", "--validation", validation, 0...Int(Int32.max))
    try check("labelSmoothing", "--label-smoothing", labelSmoothing, .fromZeroToBelowOne)
    if let gradientClipping {
      try check("gradientClipping", "--clip-gradients", gradientClipping, .aboveZero)
    }
    if let averaging { try check("averaging", "--averaging", averaging, .betweenZeroAndOne) }
    if let patience { try check("patience", "--patience", patience, 1...1_000_000_000) }
    if let initialScale { try check("initialScale", "--initial-scale", initialScale, .aboveZero) }
    if let augmentation { try validate(augmentation, check) }
    try check("scaling.referenceBatch", "--reference-batch", scaling.referenceBatch, 1...1 << 24)
    try validate(schedule, check)
    try validate(optimizer, check)
    let factor = scaling.factor(globalBatch: globalBatch)
    guard factor != 1 else { return }
    let scaled = optimizer.scaled(by: factor)
    guard scaled.rates.allSatisfy(\.isFinite), scaled.learningRate > 0 else {
      throw RecipeError(
        "\(origin): 'scaling.rule' (--scale-learning-rate) makes the learning rate \(scaled.learningRate), "
          + "\(factor) times as large")
    }
  }

  private func validate(_ augmentation: Augmentation, _ check: RangeCheck) throws(RecipeError) {
    let (key, flag) = ("augmentation.", "--augment-")
    try check(key + "rotation", flag + "rotation", augmentation.rotation, .fromZeroTo180)
    try check(key + "scale", flag + "scale", augmentation.scale, .fromZeroToBelowOne)
    try check(key + "aspect", flag + "aspect", augmentation.aspect, .fromZeroToBelowOne)
    try check(key + "shear", flag + "shear", augmentation.shear, .fromZeroToOne)
    try check(key + "translation", flag + "translation", augmentation.translation, .fromZeroTo1024)
    try check(key + "elastic", flag + "elastic", augmentation.elastic, .fromZeroTo1024)
    try check(key + "elasticGrid", flag + "elastic-grid", augmentation.elasticGrid, 2...64)
  }

  private func validate(_ schedule: Schedule, _ check: RangeCheck) throws(RecipeError) {
    switch schedule {
    case .constant: break
    case .step(let factor, let epochs):
      try check("schedule.factor", "--schedule", factor, .atLeastZero)
      try check("schedule.epochs", "--schedule", epochs, 1...1_000_000_000)
    case .cosine(let warmup), .oneCycle(let warmup):
      try check("schedule.warmup", "--schedule", warmup, .fromZeroToOne)
    }
  }

  private func validate(_ optimizer: OptimizerSpecification, _ check: RangeCheck) throws(RecipeError) {
    try check("optimizer.learningRate", "--learning-rate", optimizer.learningRate, .aboveZero)
    try check("optimizer.weightDecay", "--weight-decay", optimizer.weightDecay, .atLeastZero)
    switch optimizer {
    case .sgd(let sgd):
      try check("optimizer.momentum", "--momentum", sgd.momentum, .fromZeroToOne)
    case .adamW(let adamW):
      try validate(adamW, at: "optimizer", check)
    case .muon(let muon):
      try check("optimizer.momentum", "--momentum", muon.momentum, .fromZeroToOne)
      try check("optimizer.iterations", "--optimizer", muon.iterations, 1...100)
      try check("optimizer.others.learningRate", "--learning-rate", muon.others.learningRate, .atLeastZero)
      try check("optimizer.others.weightDecay", "--weight-decay", muon.others.weightDecay, .atLeastZero)
      try validate(muon.others, at: "optimizer.others", check)
    }
  }

  private func validate(
    _ adamW: AdamWSpecification, at key: String, _ check: RangeCheck
  ) throws(RecipeError) {
    try check(key + ".beta1", "--optimizer", adamW.beta1, .fromZeroToBelowOne)
    try check(key + ".beta2", "--optimizer", adamW.beta2, .fromZeroToBelowOne)
    try check(key + ".epsilon", "--optimizer", adamW.epsilon, .aboveZero)
  }
}

extension OptimizerSpecification {
  /// All learning rates.
  fileprivate var rates: [Float] {
    guard case .muon(let muon) = self else { return [learningRate] }
    return [muon.learningRate, muon.others.learningRate]
  }
}

/// Says of a number that is out of its range what it is called, in a recipe and on the command line.
private struct RangeCheck {
  let origin: String

  /// Numbers that a setting may be; none is infinite.
  enum Allowed: String {
    case aboveZero = "above 0 and finite"
    case atLeastZero = "at least 0 and finite"
    case fromZeroToOne = "from 0 to 1"
    case fromZeroToBelowOne = "from 0 to below 1"
    case betweenZeroAndOne = "between 0 and 1"
    case fromZeroTo180 = "from 0 to 180"
    case fromZeroTo1024 = "from 0 to 1024"

    func contains(_ value: Float) -> Bool {
      switch self {
      case .aboveZero: value > 0 && value.isFinite
      case .atLeastZero: value >= 0 && value.isFinite
      case .fromZeroToOne: value >= 0 && value <= 1
      case .fromZeroToBelowOne: value >= 0 && value < 1
      case .betweenZeroAndOne: value > 0 && value < 1
      case .fromZeroTo180: value >= 0 && value <= 180
      case .fromZeroTo1024: value >= 0 && value <= 1024
      }
    }
  }

  func callAsFunction(
    _ key: String, _ flag: String, _ value: Float, _ allowed: Allowed
  ) throws(RecipeError) {
    guard !allowed.contains(value) else { return }
    throw RecipeError("\(origin): '\(key)' (\(flag)) must be \(allowed.rawValue), found \(value)")
  }

  func callAsFunction(
    _ key: String, _ flag: String, _ value: Int, _ allowed: ClosedRange<Int>
  ) throws(RecipeError) {
    guard !allowed.contains(value) else { return }
    let expected =
      value < allowed.lowerBound
      ? "at least \(allowed.lowerBound)" : "from \(allowed.lowerBound) to \(allowed.upperBound)"
    throw RecipeError("\(origin): '\(key)' (\(flag)) must be \(expected), found \(value)")
  }
}
