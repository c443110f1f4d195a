import Foundation
import Model
import Runs
import Tensors
import Testing
import Tuning

/// What may stand in a search space, and what becomes of it.
@Suite struct SpaceTests {
  private func space(_ parameters: String, recipe: String = "\"quick\"") throws -> SearchSpace {
    try SearchSpace.parse(
      Data("{\"recipe\": \(recipe), \"parameters\": {\(parameters)}}".utf8), origin: "space.json")
  }

  private func error(_ parameters: String, recipe: String = "\"quick\"") -> RunError? {
    do {
      _ = try space(parameters, recipe: recipe)
      return nil
    } catch {
      return error as? RunError
    }
  }

  @Test func valuesComeFromTheirDomains() throws {
    let space = try space(
      """
      "globalBatch": {"choices": [32, 64]}, "shift": {"range": [0, 2]}, "labelSmoothing": {"range": [0, 0.2]},
      "optimizer.learningRate": {"log": [0.001, 0.1]}, "patience": {"log": [1, 8]}, "seed": {"range": [5, 7]}
      """)
    var seen: [String: Set<String>] = [:]
    var rates: [Double] = []
    for number in 0..<512 {
      let point = Sampler.random.point(number, dimensions: space.parameters.count, seed: 3)
      let (recipe, values) = try space.recipe(at: point)
      #expect(Set(values.keys) == Set(space.parameters.map(\.key)))
      for key in ["globalBatch", "shift", "patience", "seed"] {
        seen[key, default: []].insert(values[key]?.words ?? "")
      }
      let rate = try #require(values["optimizer.learningRate"]?.double)
      #expect(Float(rate) == recipe.optimizer.learningRate && (0.001...0.1).contains(rate))
      rates.append(rate)
      #expect((0...0.2).contains(recipe.labelSmoothing))
    }
    #expect(seen["globalBatch"] == ["32", "64"] && seen["shift"] == ["0", "1", "2"])
    #expect(seen["patience"] == Set((1...8).map(String.init)) && seen["seed"] == ["5", "6", "7"])
    // Half of the rates are below the geometric mean of the ends.
    #expect((206...306).contains(rates.count { $0 < 0.01 }))
  }

  @Test func conditionsDecideWhatIsThere() throws {
    let space = try space(
      """
      "optimizer": {"choices": ["sgd", "adamw", "muon"]}, "muon.learningRate": {"log": [0.01, 0.02]},
      "adamw.learningRate": {"log": [0.0001, 0.0002]}, "adamw.beta2": {"choices": [0.9]},
      "optimizer.momentum": {"choices": [0.5], "when": {"optimizer": ["sgd", "muon"]}},
      "schedule.warmup": {"choices": [0.125], "when": {"optimizer": "muon", "globalBatch": 64}},
      "globalBatch": {"choices": [32, 64]}, "network": {"choices": ["linear", "mlp", "dense 32; relu; dense 10"]}
      """)
    var count = 0
    for number in 0..<200 {
      let point = Sampler.sobol.point(number, dimensions: space.parameters.count, seed: 0)
      let (recipe, values) = try space.recipe(at: point)
      let name = recipe.optimizer.name
      #expect((values["muon.learningRate"] != nil) == (name == "muon"))
      #expect((values["adamw.beta2"] != nil) == (name == "adamw"))
      #expect((values["optimizer.momentum"] != nil) == (name != "adamw"))
      #expect((values["schedule.warmup"] != nil) == (name == "muon" && recipe.globalBatch == 64))
      let range = name == "muon" ? 0.01...0.02 : name == "adamw" ? 0.0001...0.0002 : 0...1
      #expect(range.contains(Double(recipe.optimizer.learningRate)))
      if values["schedule.warmup"] != nil { count += 1 }
    }
    #expect(count > 0)
  }

  /// A named network is made to fit the dataset, one that was written out is not.
  @Test func networksKeepTheirNames() throws {
    let named = try space("\"network\": {\"choices\": [\"mlp\", \"dense 10\"]}")
    #expect(try named.recipe(at: [0]).recipe.network.isNamed)
    #expect(try !named.recipe(at: [0.9]).recipe.network.isNamed)
    #expect(try space("\"shift\": {\"choices\": [0]}").recipe(at: [0]).recipe.network.isNamed)
  }

  @Test func augmentationBeginsWithNone() throws {
    let space = try space(
      "\"augmentation.rotation\": {\"choices\": [9]}", recipe: "{\"name\": \"best\", \"augmentation\": null}")
    let augmentation = try #require(space.recipe(at: [0]).recipe.augmentation)
    #expect(augmentation.rotation == 9 && augmentation.elastic == 0)
  }

  /// Whatever number stands there, it is refused in a sentence that names the key, or it makes recipes.
  @Test(arguments: [
    "1e39", "-1", "-0.5", "0", "1e-46", "1e308", "1e999", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "1e38", "NaN", "inf", "", " ", "null", "true", "\"1\"", "[1]", "{}", "0.5", "3",
  ])
  func numbersAreChecked(_ number: String) throws {
    for key in [
      "globalBatch", "labelSmoothing", "optimizer.learningRate", "seed", "epochs", "schedule.warmup",
      "averaging",
    ] {
      for domain in [
        "{\"choices\": [\(number)]}", "{\"range\": [0, \(number)]}", "{\"log\": [\(number), 2e30]}",
        "{\"range\": [\(number), 1]}",
      ] {
        do {
          let space = try space("\"\(key)\": \(domain)")
          for place in [0, 0.25, 0.5, 1 - 0x1p-53] { _ = try space.recipe(at: [place]).recipe.validate() }
        } catch let error as RunError {
          #expect(error.exitCode == 65)
          #expect(error.description.contains(key) || error.description.contains("JSON"), "\(error)")
        }
      }
    }
  }

  @Test(arguments: [
    ("\"warmth\": {\"choices\": [1]}", "a recipe has no 'warmth'"),
    ("\"shift\": {\"choices\": []}", "expected a list of values"),
    ("\"shift\": {\"choices\": [1, 1]}", "there twice"),
    ("\"shift\": {\"range\": [2, 1]}", "expected a lower number and a higher one"),
    ("\"shift\": {\"range\": [0, 1.5]}", "expected whole numbers"),
    ("\"shift\": {\"log\": [0, 2]}", "expected numbers above 0"),
    ("\"shift\": {\"log\": [1, 2], \"range\": [1, 2]}", "found range and log"),
    ("\"shift\": {\"step\": 1}", "'shift' has no 'step'"),
    ("\"labelSmoothing\": {\"range\": [0, 1]}", "'labelSmoothing' cannot be 1"),
    ("\"validation\": {\"choices\": [100]}", "cannot be searched"),
    ("\"optimizer\": {\"choices\": [\"adam\"]}", "'optimizer' cannot be adam"),
    ("\"optimizer.beta2\": {\"choices\": [0.9]}", "has no 'beta2'"),
    ("\"network\": {\"choices\": [\"dense\"]}", "'network' cannot be dense"),
    (
      "\"muon.learningRate\": {\"choices\": [1]}, \"optimizer.learningRate\": {\"choices\": [1]}",
      "are one field"
    ),
    (
      "\"shift\": {\"choices\": [1], \"when\": {\"globalBatch\": 5}}, \"globalBatch\": {\"choices\": [32]}",
      "is never there"
    ),
    (
      "\"shift\": {\"choices\": [1], \"when\": {\"seed\": 5}}, \"seed\": {\"choices\": [5], \"when\": {\"shift\": 1}}",
      "round in a circle"
    ),
    ("", "expected at least one"),
  ])
  func mistakesAreNamed(_ parameters: String, _ sentence: String) {
    let error = error(parameters)
    #expect(error?.exitCode == 65 && error?.description.hasPrefix("space.json: ") == true)
    #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
  }

  @Test(arguments: ["\"slow\"", "3", "{\"epoch\": 2}", "{\"validation\": 0}"])
  func baseRecipesAreChecked(_ recipe: String) {
    #expect(error("\"shift\": {\"choices\": [1]}", recipe: recipe)?.exitCode == 65)
  }

  /// Spaces with some of their words changed are refused in a sentence, or give recipes; none traps.
  @Test func damagedSpacesAreRefusedOrUsed() throws {
    let whole = """
      {"recipe":{"name":"best","schedule":{"name":"step","factor":0.5}},"parameters":{"globalBatch":{"log":[1,99]},
      "optimizer":{"choices":["muon","sgd",{"name":"adamw"}]},"muon.others.beta1":{"range":[0,0.9]},"averaging":{"choices":
      [null,0.9]},"augmentation.elastic":{"range":[0,1e2],"when":{"optimizer":["muon","sgd"],"seed":[0,-1.5]}}}}
      """
    let marks: Set<Character> = ["{", "}", "[", "]", ",", ":", "\n"]
    // Marks and what stands between them.
    var parts: [String] = []
    for character in whole {
      let isMark = marks.contains(character)
      if isMark || parts.isEmpty
        || parts.last.map({ $0.count == 1 && marks.contains($0.first ?? " ") }) ?? true
      {
        parts.append("\(character)")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    let words = [
      "1e308", "-1", "9223372036854775808", "null", "true", "[", "{}", "\"\"", "0.0", "\"log\"", "\"when\"",
      "1e-320",
      "\"seed\"", "\"optimizer\"", "\"epochs\"", "\"augmentation\"", "[1,2]", "0.25", "\"sgd.momentum\"",
      "\"1\"",
    ]
    var counts = (refused: 0, used: 0)
    for number in 0..<400 {
      let generator = CounterGenerator(seed: 9, for: .test, UInt64(number))
      var changed = parts
      for change in 0..<UInt64(1 + generator.below(2, at: 0)) {
        let place = generator.below(changed.count, at: 2 * change + 1)
        let isMark = changed[place].count == 1
        if !isMark || change == 1 { changed[place] = words[generator.below(words.count, at: 2 * change + 2)] }
      }
      do throws(RunError) {
        let space = try SearchSpace.parse(Data(changed.joined().utf8), origin: "file")
        for number in 0..<4 {
          let point = Sampler.sobol.point(number, dimensions: space.parameters.count, seed: 1)
          guard let recipe = try? space.recipe(at: point).recipe else { continue }
          #expect((try? Recipe.parse(Data(recipe.json().utf8), origin: "file"))?.digest == recipe.digest)
        }
        counts.used += 1
      } catch {
        #expect(
          error.exitCode == 65 && error.description.hasPrefix("file: ") && !error.description.contains("\n"),
          "\(error)")
        counts.refused += 1
      }
    }
    #expect(counts.refused > 40 && counts.used > 40, "\(counts)")
  }

  @Test func builtInSpacesAreUsable() throws {
    for name in SearchSpace.names { #expect(try #require(SearchSpace.named(name)).parameters.count > 3) }
  }
}
