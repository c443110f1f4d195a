import Foundation
import Model
import Runs
import Tensors
import Testing

@Suite struct RecipeTests {
  private let quick: Recipe

  init() throws { quick = try #require(Recipe.named("quick")) }

  private func overridden(
    _ recipe: Recipe? = nil, _ change: (inout RecipeOverrides) -> Void
  ) throws -> Recipe {
    var overrides = RecipeOverrides()
    change(&overrides)
    return try (recipe ?? quick).applying(overrides)
  }

  private func augmentation(_ change: (inout Augmentation) -> Void) -> Augmentation {
    var augmentation = Augmentation()
    change(&augmentation)
    return augmentation
  }

  @Test func nothingOverridesNothing() throws {
    for name in Recipe.names {
      let recipe = try #require(Recipe.named(name))
      #expect(try recipe.applying(RecipeOverrides()) == recipe)
    }
  }

  /// Each override changes its setting and no other.
  @Test func anOverrideReplacesItsSetting() throws {
    let network = try NetworkSpecification("dense 10")
    let cases: [((inout RecipeOverrides) -> Void, (inout Recipe) -> Void)] = [
      ({ $0.network = network }, { $0.network = network }),
      (
        { $0.optimizer = .adamW(AdamWSpecification()) }, { $0.optimizer = .adamW(AdamWSpecification()) }
      ),
      ({ $0.weightDecay = 0.5 }, { $0.optimizer.weightDecay = 0.5 }),
      ({ $0.schedule = .constant }, { $0.schedule = .constant }),
      ({ $0.epochs = 7 }, { $0.epochs = 7 }),
      ({ $0.steps = 7 }, { $0.steps = 7 }),
      ({ $0.globalBatch = 7 }, { $0.globalBatch = 7 }),
      ({ $0.microBatch = 7 }, { $0.microBatch = 7 }),
      ({ $0.dropsLastBatch = false }, { $0.dropsLastBatch = false }),
      ({ $0.shift = 2 }, { $0.shift = 2 }),
      ({ $0.augmentation.rotation = 7 }, { $0.augmentation = self.augmentation { $0.rotation = 7 } }),
      ({ $0.augmentation.scale = 0.5 }, { $0.augmentation = self.augmentation { $0.scale = 0.5 } }),
      ({ $0.augmentation.aspect = 0.5 }, { $0.augmentation = self.augmentation { $0.aspect = 0.5 } }),
      ({ $0.augmentation.shear = 0.5 }, { $0.augmentation = self.augmentation { $0.shear = 0.5 } }),
      (
        { $0.augmentation.translation = 1.5 },
        { $0.augmentation = self.augmentation { $0.translation = 1.5 } }
      ),
      ({ $0.augmentation.elastic = 0.5 }, { $0.augmentation = self.augmentation { $0.elastic = 0.5 } }),
      ({ $0.augmentation.elasticGrid = 4 }, { $0.augmentation = self.augmentation { $0.elasticGrid = 4 } }),
      ({ $0.augmentation.isReplaced = true }, { _ in }),
      ({ $0.validation = 7 }, { $0.validation = 7 }),
      ({ $0.seed = 7 }, { $0.seed = 7 }),
      ({ $0.labelSmoothing = 0.5 }, { $0.labelSmoothing = 0.5 }),
      ({ $0.gradientClipping = 0.5 }, { $0.gradientClipping = 0.5 }),
      ({ $0.gradients = .bfloat16 }, { $0.gradients = .bfloat16 }),
      ({ $0.gradients = .float32 }, { _ in }),
      ({ $0.averaging = 0.5 }, { $0.averaging = 0.5 }),
      ({ $0.averaging = 0 }, { _ in }),
      ({ $0.patience = 7 }, { $0.patience = 7 }),
      ({ $0.patience = 0 }, { _ in }),
      ({ $0.scalingRule = .linear }, { $0.scaling.rule = .linear }),
      ({ $0.referenceBatch = 7 }, { $0.scaling.referenceBatch = 7 }),
    ]
    for (override, change) in cases {
      var expected = quick
      change(&expected)
      #expect(try overridden(nil, override) == expected)
    }
  }

  @Test func epochsEndStepsAndStepsWinOverBoth() throws {
    var recipe = quick
    recipe.steps = 100
    let byEpochs = try overridden(recipe) { $0.epochs = 3 }
    #expect(byEpochs.epochs == 3 && byEpochs.steps == nil)
    let both = try overridden(recipe) { ($0.epochs, $0.steps) = (3, 50) }
    #expect(both.epochs == 3 && both.steps == 50)
  }

  /// What `best` has can be changed, replaced and taken out; and what is taken out stays out when the recipe is read again,
  /// though its name says otherwise.
  @Test func settingsOfBestCanBeTakenOut() throws {
    let best = try #require(Recipe.named("best"))
    let own = try #require(best.augmentation)
    func change(_ change: (inout RecipeOverrides) -> Void) throws -> Recipe {
      let recipe = try overridden(best, change)
      #expect(try Recipe.parse(Data(recipe.json().utf8), origin: "here") == recipe)
      return recipe
    }
    let turned = try change { $0.augmentation.rotation = 3 }
    #expect(turned.augmentation?.rotation == 3 && turned.augmentation?.elastic == own.elastic)
    let replaced = try change { ($0.augmentation.isReplaced, $0.augmentation.shear) = (true, 0.1) }
    #expect(replaced.augmentation == augmentation { $0.shear = 0.1 })
    let none = try change { $0.augmentation.isReplaced = true }
    #expect(none.augmentation == nil)
    #expect(try change { $0.averaging = 0 }.averaging == nil)
    // Recipes that name no setting of theirs keep their bytes.
    #expect(!quick.json().contains("null") && !best.json().contains("null"))
    let file = #"{"name": "best", "augmentation": {"elastic": 0}}"#
    let read = try Recipe.parse(Data(file.utf8), origin: "here")
    #expect(read.augmentation?.elastic == 0 && read.augmentation?.rotation == own.rotation)
    #expect(read.averaging == best.averaging)
  }

  @Test func patienceNeedsValidation() throws {
    let recipe = try overridden { ($0.patience, $0.validation) = (3, 0) }
    let error = #expect(throws: RecipeError.self) { try recipe.validate() }
    #expect(error?.description.contains("'patience' (--patience)") == true)
    try overridden { ($0.patience, $0.validation) = (0, 0) }.validate()
  }

  @Test func translationsLeaveSomethingOfTheImages() throws {
    let recipe = try overridden { $0.augmentation.translation = 9 }
    try recipe.validate(trainCount: 60_000, image: Shape(10, 28, 1))
    let error = #expect(throws: RecipeError.self) {
      try recipe.validate(trainCount: 60_000, image: Shape(9, 28, 1))
    }
    #expect(error?.description.contains("--augment-translation) of 9.0 pixels") == true)
  }

  @Test func float32TakesBfloat16Back() throws {
    var recipe = quick
    recipe.gradients = .bfloat16
    #expect(try overridden(recipe) { $0.gradients = .float32 }.gradients == nil)
  }

  /// Muon's AdamW keeps its ratio to Muon.
  @Test func muonsRatesScaleAlike() throws {
    guard case .muon(let before) = quick.optimizer,
      case .muon(let after) = try overridden(nil, { $0.learningRate = 2 * before.learningRate }).optimizer
    else {
      Issue.record("quick is trained by Muon")
      return
    }
    #expect(after.learningRate == 2 * before.learningRate)
    #expect(after.others.learningRate == 2 * before.others.learningRate)
  }

  /// The settings of an optimizer are those of the one that is named beside them, not of the recipe's own.
  @Test func settingsAreOfTheOptimizerThatIsNamed() throws {
    let recipe = try overridden {
      $0.optimizer = .sgd(SGDSpecification())
      ($0.learningRate, $0.weightDecay, $0.momentum, $0.nesterov) = (0.25, 0.125, 0.5, true)
    }
    var sgd = SGDSpecification()
    (sgd.learningRate, sgd.weightDecay, sgd.momentum, sgd.nesterov) = (0.25, 0.125, 0.5, true)
    #expect(recipe.optimizer == .sgd(sgd))
    let muon = try overridden { ($0.momentum, $0.nesterov) = (0.5, false) }
    guard case .muon(let settings) = muon.optimizer else {
      Issue.record("quick is trained by Muon")
      return
    }
    #expect(settings.momentum == 0.5 && !settings.nesterov)
  }

  @Test func adamWHasNoMomentumToSet() {
    for change: (inout RecipeOverrides) -> Void in [{ $0.momentum = 0.9 }, { $0.nesterov = true }] {
      let error = #expect(throws: RecipeError.self) {
        try overridden {
          $0.optimizer = .adamW(AdamWSpecification())
          change(&$0)
        }
      }
      #expect(error?.description.contains("settings of sgd and muon, found adamw") == true)
    }
  }

  // MARK: - JSON

  /// Every setting survives, those too that no built-in recipe has.
  @Test func aFullRecipeIsReadBack() throws {
    var recipe = try overridden {
      ($0.steps, $0.gradientClipping, $0.gradients, $0.averaging) = (5, 0.5, .bfloat16, 0.75)
      ($0.augmentation.elastic, $0.patience, $0.initialScale) = (0.7, 4, 0.25)
    }
    recipe.initialModel = String(repeating: "0a", count: 32)
    let json = recipe.json()
    #expect(try Recipe.parse(Data(json.utf8), origin: "here") == recipe)
    let keys = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] ?? [:]
    #expect(Set(keys.keys) == Set(Mirror(reflecting: recipe).children.compactMap(\.label)))
  }

  @Test func whatIsLeftOutIsTheNamedRecipes() throws {
    let text = #"{"name": "keras", "epochs": 3, "optimizer": {"name": "sgd", "momentum": 0.5}}"#
    let recipe = try Recipe.parse(Data(text.utf8), origin: "here")
    var expected = try #require(Recipe.named("keras"))
    var sgd = SGDSpecification()
    sgd.momentum = 0.5
    (expected.epochs, expected.optimizer) = (3, .sgd(sgd))
    #expect(recipe == expected)
    #expect(try Recipe.parse(Data("{}".utf8), origin: "here") == quick)
  }

  @Test(arguments: [
    ("{", "here: expected a recipe in JSON, found text that is none"),
    ("[1]", "here: expected a JSON object with a recipe's keys"),
    (
      #"{"batch": 3}"#,
      "here: a recipe has no 'batch'; its keys are augmentation, averaging, dropsLastBatch, "
    ),
    (#"{"optimizer": {"name": "sgd", "beta1": 0.5}}"#, "here: 'optimizer' has no 'beta1'; its keys are "),
    (#"{"augmentation": {"turn": 3}}"#, "here: 'augmentation' has no 'turn'; its keys are aspect, elastic, "),
    (#"{"augmentation": 3}"#, "here: 'augmentation' is not of the expected type"),
    (#"{"epochs": "many"}"#, "here: 'epochs' is not of the expected type, Int"),
    (#"{"network": "cone 3x3"}"#, "cone"),
    (#"{"optimizer": {"name": "sgdd"}}"#, "sgdd"),
  ])
  func damagedJSONIsExplained(_ text: String, _ sentence: String) {
    let error = #expect(throws: RecipeError.self) { try Recipe.parse(Data(text.utf8), origin: "here") }
    #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
  }

  /// A network that was called by its name ends as the dataset says; one that was written out is checked.
  @Test func networksFitTheClassesOfTheDataset() throws {
    let evidence = "labels has label 46 (sample 17)"
    func fitted(_ recipe: Recipe) throws -> String {
      try recipe.fitted(toClasses: 47, evidence: evidence).network.description
    }
    let wide = quick.network.description.replacing("dense 10", with: "dense 47")
    #expect(try fitted(quick) == wide)
    // A file that leaves the network out has the named one; a run's own file has it written out.
    #expect(try fitted(Recipe.parse(Data(#"{"name": "quick"}"#.utf8), origin: "file")) == wide)
    #expect(try fitted(Recipe.parse(Data(#"{"network": "quick"}"#.utf8), origin: "file")) == wide)
    let error = #expect(throws: RecipeError.self) {
      _ = try fitted(Recipe.parse(Data(quick.json().utf8), origin: "file"))
    }
    #expect(
      error?.description.hasPrefix(
        "network: its last layer, 'dense 10', has features for labels 0 to 9, but \(evidence): let it end in dense 47"
      )
        == true, "\(error?.description ?? "")")
    var written = quick
    written.network = try NetworkSpecification("dense 60")
    #expect(try fitted(written) == "dense 60")
  }
}
