import Foundation
import Model
import Runs
import Testing

/// No number traps, whatever brings it: it is accepted, or one sentence says what it is called and what was found.
@Suite struct NumberTests {
  private static let suspects: [Float] = [
    .nan, -.nan, .infinity, -.infinity, 0, -1, -0.0, 1, 2_147_483_648, 9_223_372_036_854_775_807, 1e38,
    .greatestFiniteMagnitude, 1e-45,
  ]
  private static let wholeSuspects = [0, -1, 1, 2_147_483_648, .max, .min]
  private static let texts = [
    "0", "-1", "-0.0", "1", "3.5", "2147483648", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "1e38", "1e39", "1e-45", "1e-50", "1e400", "-1e400",
    "123456789012345678901234567890",
    #""""#, #"" ""#, #""nan""#, "true", "null", "[]", "{}",
  ]

  private func recipe(_ optimizer: String) throws -> Recipe {
    var recipe = try #require(Recipe.named("quick"))
    recipe.optimizer = try #require(OptimizerSpecification(name: optimizer))
    return recipe
  }

  /// Uses a recipe as a run does before its first step. Returns the sentence if it is refused.
  private func use(_ recipe: Recipe) throws -> String? {
    do {
      try recipe.validate()
    } catch {
      return "\(error)"
    }
    let again = try Recipe.parse(Data(recipe.json().utf8), origin: "again")
    #expect(again == recipe)
    _ = recipe.effectiveOptimizer.learningRate
    let steps = recipe.steps ?? recipe.epochs * Int(Int32.max)
    for step in [0, 1000] {
      _ = recipe.schedule.rate(at: step, of: steps, stepsPerEpoch: Int(Int32.max))
    }
    return nil
  }

  private func check(_ sentence: String?, names name: String, _ context: String) {
    guard let sentence else { return }
    #expect(sentence.contains(name), "\(context): \(sentence)")
    #expect(!sentence.contains("\n") && !sentence.contains("not valid JSON"), "\(context): \(sentence)")
  }

  @Test(arguments: OptimizerSpecification.names)
  func flagsBringAnyNumber(_ optimizer: String) throws {
    let floats: [(String, (inout RecipeOverrides, Float) -> Void)] = [
      ("--learning-rate", { $0.learningRate = $1 }), ("--weight-decay", { $0.weightDecay = $1 }),
      ("--momentum", { if optimizer != "adamw" { $0.momentum = $1 } }),
      ("--label-smoothing", { $0.labelSmoothing = $1 }), ("--clip-gradients", { $0.gradientClipping = $1 }),
      ("--averaging", { $0.averaging = $1 }), ("--augment-rotation", { $0.augmentation.rotation = $1 }),
      ("--augment-scale", { $0.augmentation.scale = $1 }),
      ("--augment-aspect", { $0.augmentation.aspect = $1 }),
      ("--augment-shear", { $0.augmentation.shear = $1 }),
      ("--augment-translation", { $0.augmentation.translation = $1 }),
      ("--augment-elastic", { $0.augmentation.elastic = $1 }),
    ]
    for (flag, set) in floats {
      for value in Self.suspects {
        var overrides = RecipeOverrides()
        set(&overrides, value)
        check(try use(recipe(optimizer).applying(overrides)), names: flag, "\(flag) \(value)")
      }
    }
    let whole: [(String, (inout RecipeOverrides, Int) -> Void)] = [
      ("--epochs", { $0.epochs = $1 }), ("--steps", { $0.steps = $1 }),
      ("--global-batch", { $0.globalBatch = $1 }),
      ("--micro-batch", { $0.microBatch = $1 }), ("--shift", { $0.shift = $1 }),
      ("--validation", { $0.validation = $1 }), ("--reference-batch", { $0.referenceBatch = $1 }),
      ("--patience", { $0.patience = $1 }), ("--augment-elastic-grid", { $0.augmentation.elasticGrid = $1 }),
    ]
    for (flag, set) in whole {
      for value in Self.wholeSuspects {
        var overrides = RecipeOverrides()
        set(&overrides, value)
        check(try use(recipe(optimizer).applying(overrides)), names: flag, "\(flag) \(value)")
      }
    }
  }

  @Test func whatCannotBeTrainedWithIsRefused() throws {
    func sentence(_ change: (inout RecipeOverrides) -> Void) throws -> String? {
      var overrides = RecipeOverrides()
      change(&overrides)
      return try use(try #require(Recipe.named("quick")).applying(overrides))
    }
    #expect(
      try sentence { $0.weightDecay = .nan }
        == "recipe: 'optimizer.weightDecay' (--weight-decay) must be at least 0 and finite, found nan")
    #expect(
      try sentence { $0.epochs = .max }
        == "recipe: 'epochs' (--epochs) must be from 1 to 1000000000, found 9223372036854775807")
    for value in [Float.nan, .infinity, -1] {
      #expect(try sentence { $0.momentum = value }?.contains("--momentum") == true)
      #expect(try sentence { $0.learningRate = value }?.contains("--learning-rate") == true)
    }
    #expect(
      try sentence {
        ($0.learningRate, $0.scalingRule, $0.referenceBatch, $0.globalBatch) = (1e36, .linear, 1, 1 << 20)
      }?.contains("--scale-learning-rate") == true)
  }

  @Test func anInfiniteNormIsNone() throws {
    var (clip, none) = (RecipeOverrides(), RecipeOverrides())
    (clip.gradientClipping, none.gradientClipping) = (1, .infinity)
    let recipe = try #require(Recipe.named("quick")).applying(clip)
    #expect(recipe.gradientClipping == 1)
    #expect(try recipe.applying(none).gradientClipping == nil)
  }

  /// The keys of numbers, as paths, with the object around them.
  private static let keys: [(path: String, object: String)] = {
    let top = [
      "globalBatch", "microBatch", "epochs", "steps", "shift", "validation", "seed", "labelSmoothing",
      "gradientClipping", "averaging", "patience",
    ].map { ($0, #"{"\#($0)": VALUE}"#) }
    let augmentation = ["rotation", "scale", "aspect", "shear", "translation", "elastic", "elasticGrid"].map {
      ("augmentation.\($0)", #"{"augmentation": {"\#($0)": VALUE}}"#)
    }
    let optimizers = [
      "sgd": ["learningRate", "momentum", "weightDecay"],
      "adamw": ["learningRate", "beta1", "beta2", "epsilon", "weightDecay"],
      "muon": ["learningRate", "momentum", "weightDecay", "iterations"],
    ].flatMap { name, keys in
      keys.map { ("optimizer.\($0)", #"{"optimizer": {"name": "\#(name)", "\#($0)": VALUE}}"#) }
    }
    let others = ["learningRate", "beta1", "beta2", "epsilon", "weightDecay"].map {
      ("optimizer.others.\($0)", #"{"optimizer": {"name": "muon", "others": {"\#($0)": VALUE}}}"#)
    }
    let schedules = [("step", "factor"), ("step", "epochs"), ("cosine", "warmup"), ("one-cycle", "warmup")]
      .map {
        ("schedule.\($1)", #"{"schedule": {"name": "\#($0)", "\#($1)": VALUE}}"#)
      }
    return top + augmentation + optimizers + others + schedules
      + [("scaling.referenceBatch", #"{"scaling": {"rule": "linear", "referenceBatch": VALUE}}"#)]
  }()

  @Test func recipesBringAnyNumber() throws {
    for (path, object) in Self.keys {
      for text in Self.texts {
        let json = object.replacing("VALUE", with: text)
        do {
          check(try use(Recipe.parse(Data(json.utf8), origin: "file")), names: path, json)
        } catch {
          let last = path.split(separator: ".").last.map(String.init) ?? path
          #expect("\(error)".hasPrefix("file: "), "\(error)")
          check("\(error)", names: last, json)
        }
      }
    }
  }

  @Test(arguments: [
    (#"{"epochs": 1e400}"#, "file: 'epochs' must be a number that a computer can hold, found 1e400"),
    (#"{"epochs": 3.5}"#, "file: 'epochs' must be a whole number of at most 63 bits, found 3.5"),
    (#"{"seed": -1}"#, "file: 'seed' must be a whole number from 0 to 18446744073709551615, found -1"),
    (#"{"optimizer": {"name": "muon", "iterations": 0}}"#, "'optimizer.iterations' (--optimizer) must be"),
    (
      #"{"optimizer": {"name": "adamw", "beta1": 1}}"#,
      "'optimizer.beta1' (--optimizer) must be from 0 to below 1"
    ),
    (#"{"schedule": {"name": "cosine", "warm": 1}}"#, "'schedule' has no 'warm'; its keys are name, warmup"),
  ])
  func theSentenceSaysWhichNumber(_ json: String, _ sentence: String) {
    let error = #expect(throws: RecipeError.self) { try Recipe.parse(Data(json.utf8), origin: "file") }
    #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
  }

  @Test func theLargestSeedIsASeed() throws {
    let recipe = try Recipe.parse(Data(#"{"seed": 18446744073709551615}"#.utf8), origin: "file")
    #expect(recipe.seed == .max)
  }

  /// Sums and products of what a file says must not overflow in those who look at runs.
  @Test(arguments: ["step", "epoch", "ranks"])
  func metricsWithImpossibleNumbersAreNamed(_ key: String) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = RunFolder(path: path)
    try folder.prepare(try #require(Recipe.named("quick")))
    let line = #"{"event":"stop","step":1,"time":1,"ranks":1,"epoch":1}"#
      .replacing("\"\(key)\":1", with: "\"\(key)\":9223372036854775807")
    try Data((line + "\n").utf8).write(to: URL(fileURLWithPath: folder.metrics))
    let error = #expect(throws: RunError.self) { try RunHistory(folder: folder) }
    #expect(error?.exitCode == 65)
  }
}
