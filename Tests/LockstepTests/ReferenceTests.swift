import Datasets
import Foundation
import Jobs
import Model
import Runs
import Tensors
import Testing

/// Checks that what is on a page and what is in the program are the same names, and says which are on one side only.
func expectSame(
  _ what: String, page: [String], program: Set<String>, sourceLocation: SourceLocation = #_sourceLocation
) {
  let missing = program.subtracting(page).sorted()
  let invented = Set(page).subtracting(program).sorted()
  let twice = Dictionary(grouping: page, by: \.self).filter { $1.count > 1 }.keys.sorted()
  #expect(missing == [], "\(what): not on the page", sourceLocation: sourceLocation)
  #expect(invented == [], "\(what): only on the page", sourceLocation: sourceLocation)
  #expect(twice == [], "\(what): more than once on the page", sourceLocation: sourceLocation)
}

/// docs/reference.md beside the source: what is on one side only is an error.
@Suite struct ReferenceTests {
  private let page: MarkdownPage

  init() throws {
    page = try MarkdownPage("docs/reference.md")
  }

  @Test func exitCodes() throws {
    var singles: Set<Int> = []
    var ranges: Set<Int> = []
    for row in page.rows("Exit codes") {
      let numbers = MarkdownPage.code(in: row[0]).compactMap { Int($0) }
      if numbers.count == 2 { ranges.formUnion(numbers[0]...numbers[1]) } else { singles.formUnion(numbers) }
    }
    let found = try SourceScan.exitCodes()
    try #require(found.count > 15)
    #expect(found.subtracting(singles).subtracting(ranges) == [], "not on the page")
    #expect(singles.subtracting(found) == [], "only on the page")
    // What `launch` has words for.
    let words = { (code: Int) in RestartPolicy.meaning(ofExitCode: Int32(code)) }
    let known = (2...255).filter { words($0) != words(2) }
    #expect(singles.union(ranges).subtracting([0, 1]) == Set(known))
  }

  @Test func environmentVariables() throws {
    let program = try SourceScan.variables(in: ["Sources"])
    try #require(program.count > 30)
    expectSame(
      "the program's variables",
      page: page.names("Variables the program reads") + page.names("Variables of launchers and MPI"),
      program: program)
    let others = try SourceScan.variables(in: ["scripts", "cluster", "Package.swift", "Tests"])
    try #require(others.count > 20)
    let named = page.names("Variables of scripts and cluster files") + page.names("Variables of tests")
    expectSame("the scripts' and tests' variables", page: Array(Set(named)), program: others)
  }

  /// The order in which the page has them is that in which they are tried: each is taken once those before it are gone.
  @Test func placesWhereCommandsLookForData() throws {
    let scratch = try ScratchFolder()
    let places = [
      "--data": scratch("option"), "LOCKSTEP_DATA": scratch("variable"),
      "data/mnist": scratch("here/data/mnist"),
      "$XDG_CACHE_HOME/lockstep/mnist": scratch("cache/lockstep/mnist"),
      "~/.cache/lockstep/mnist": scratch("home/.cache/lockstep/mnist"),
    ]
    for place in places.values {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: place + "/train-images-idx3-ubyte"))
    }
    let order = page.names("Where data is looked for")
    expectSame("places", page: order, program: Set(places.keys))
    for (index, name) in order.enumerated() {
      let left = Set(order[index...])
      var environment = ["HOME": scratch("home")]
      if left.contains("LOCKSTEP_DATA") { environment["LOCKSTEP_DATA"] = places["LOCKSTEP_DATA"] }
      if left.contains("$XDG_CACHE_HOME/lockstep/mnist") { environment["XDG_CACHE_HOME"] = scratch("cache") }
      let place = try #require(places[name])
      let found = try DatasetSource.resolve(
        option: left.contains("--data") ? places["--data"] : nil, environment: environment,
        workingDirectory: scratch("here"))
      #expect(found == .folder(place), "\(name)")
      try FileManager.default.removeItem(atPath: place)
    }
  }

  @Test func placesWhereScriptsLookForData() throws {
    let text = try Checkout.text("scripts/common.sh")
    let list = try #require(text.firstMatch(of: /for folder in ((?:.|\\\n)*?); do/)).1
    let places = list.replacing("\\\n", with: " ").split(separator: " ").map {
      String(
        $0.replacing("\"", with: "").replacing("${LOCKSTEP_DATA:-}", with: "LOCKSTEP_DATA")
          .replacing("${XDG_CACHE_HOME:-$HOME/.cache}", with: "$XDG_CACHE_HOME").replacing(
            "$root", with: "CLONE"))
    }
    #expect(page.names("Where data is looked for", table: 1) == places)
  }

  // MARK: - Records

  private static let phases = PhaseTimes()

  /// Whatever a record may hold is on the page, and what a version no longer writes is not.
  @Test func linesOfMetrics() throws {
    let digest = StepDigest(gradient: 1, parameters: 2)
    expectSame(
      "a step", page: page.names("A step"),
      program: try encodedKeys(
        StepRecord(
          step: 1, epoch: 1, loss: 1, accuracy: 1, learningRate: 1, seconds: Self.phases, digest: digest)))
    expectSame(
      "an epoch", page: page.names("An epoch"),
      program: try encodedKeys(
        EpochRecord(
          step: 1, epoch: 1, loss: 1, accuracy: 1, validationLoss: 1, validationAccuracy: 1,
          imagesPerSecond: 1, seconds: Self.phases, shares: [1], taken: 0)))
    let conditions = Receipt.Conditions(recipe: "", dataset: "", products: "", reduction: "")
    expectSame(
      "an event", page: page.names("Events", table: 1),
      program: try encodedKeys(
        EventRecord(
          event: "resume", step: 1, time: 1, ranks: 1,
          launch: LaunchFacts(
            command: [], version: "", kernel: "", products: "", bindings: [], totalSteps: 1, stepsPerEpoch: 1,
            parameterCount: 1, trainCount: 1, dataset: "", datasetDigest: "", samples: ""),
          receipt: Receipt.Opening(conditions: conditions, link: ""), link: "")))
  }

  @Test func figuresOfResults() throws {
    /// A result with everything in it; of more than 100 classes the confusion has its other form.
    func keys(classes: Int) throws -> Set<String> {
      let confusion = [[Int]](repeating: [Int](repeating: 1, count: classes), count: classes)
      return try encodedKeys(
        RunResult(
          testAccuracy: 1, testErrors: 1, testConfusion: confusion, validationAccuracy: 1,
          parametersDigest: "",
          checkpointDigest: "", imagesPerSecond: 1, trainingSeconds: 1, wallSeconds: 1, startSeconds: 1,
          ranks: 1, rankTimes: [RankTimes(phases: Self.phases, processorSeconds: 1)], epochs: 1, steps: 1,
          products: "", kernel: "", dataset: "", datasetDigest: "", initialModel: "", receipt: ""))
    }
    expectSame(
      "result.json", page: page.names("result.json"),
      program: try keys(classes: 10).union(keys(classes: ConfusionCounts.mostRows + 1)))
  }

  // MARK: - Recipes

  /// Where a setting can be wrong: its key, the range on the page, and the option.
  private struct Setting {
    var key: String
    var range: String
    var option: String
  }

  private func object(_ value: some Encodable) throws -> [String: Any] {
    let data = try JSONEncoder().encode(value)
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// Whether JSON on the page is a value that was encoded; `null` for one that is not there.
  private func isEqual(_ cell: String, _ value: Any?) throws -> Bool {
    let page = try JSONSerialization.jsonObject(with: Data("[\(cell)]".utf8))
    let texts = try [page, [value ?? NSNull()]].map {
      try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys)
    }
    return texts[0] == texts[1]
  }

  /// The value of a key such as `optimizer.others.beta1` in an object without the first word.
  private func value(_ key: String, in object: [String: Any]) -> Any? {
    key.split(separator: ".").dropFirst().reduce(object as Any?) { ($0 as? [String: Any])?[String($1)] }
  }

  @Test func keysAndDefaultsOfRecipes() throws {
    let quick = try object(try #require(Recipe.named("quick")))
    let rows = page.rows("Recipe keys")
    expectSame("keys", page: page.names("Recipe keys"), program: Set(Recipe.keys))
    let names = ["optimizer": "name", "schedule": "name", "scaling": "rule"]
    for row in rows {
      let (key, cell) = (MarkdownPage.code(in: row[0])[0], MarkdownPage.code(in: row[2])[0])
      if key == "network" {
        #expect(cell == "lockstep describe quick")
      } else if let inner = names[key] {
        #expect((quick[key] as? [String: Any])?[inner] as? String == cell, "\(key)")
      } else {
        #expect(try isEqual(cell, quick[key]), "\(key): \(cell)")
      }
    }
    expectChoices(GradientFormat.self, "gradients", in: rows, column: 3)
  }

  private func expectChoices<Choice: CaseIterable & RawRepresentable<String>>(
    _ type: Choice.Type, _ key: String, in rows: [[String]], column: Int
  ) {
    let row = rows.first { $0[0] == "`\(key)`" } ?? []
    let cell = row.indices.contains(column) ? row[column] : ""
    expectSame(key, page: MarkdownPage.code(in: cell), program: Set(Choice.allCases.map(\.rawValue)))
  }

  /// A column for each kind: a key that it has not is empty there.
  private func expectColumns(_ section: String, _ kinds: [(name: String, settings: [String: Any])]) throws {
    let rows = page.rows(section)
    for (column, kind) in kinds.enumerated() {
      var settings = kind.settings
      settings["name"] = nil
      let keys = jsonKeys(settings).map { "\(section).\($0)" }
      let present = rows.filter { !$0[column + 1].isEmpty }
      expectSame(
        "\(section) \(kind.name)", page: present.flatMap { MarkdownPage.code(in: $0[0]) }, program: Set(keys))
      for row in present {
        let (key, cell) = (MarkdownPage.code(in: row[0])[0], MarkdownPage.code(in: row[column + 1])[0])
        #expect(try isEqual(cell, value(key, in: settings)), "\(key) of \(kind.name): \(cell)")
      }
    }
  }

  @Test func settingsOfOptimizersSchedulesAndTheRest() throws {
    try expectColumns(
      "optimizer",
      OptimizerSpecification.names.map { ($0, try object(try #require(OptimizerSpecification(name: $0)))) })
    let schedules = try Schedule.names.map { ($0, try object(try #require(Schedule(name: $0)))) }
    try expectColumns("schedule", schedules.filter { $0.1.count > 1 })
    try expectColumns("augmentation", [("", try object(Augmentation()))])
    try expectColumns("scaling", [("", try object(LearningRateScaling()))])
    expectChoices(LearningRateScaling.Rule.self, "scaling.rule", in: page.rows("scaling"), column: 2)
    for (section, names) in [
      ("optimizer", OptimizerSpecification.names), ("schedule", Schedule.names),
    ] {
      let pattern = try Regex("\n`\(section)\\.name` is ([^;]*);")
      let match = try #require(Checkout.text("docs/reference.md").firstMatch(of: pattern))
      let sentence = try #require(match.output[1].substring)
      expectSame(section, page: MarkdownPage.code(in: String(sentence)), program: Set(names))
    }
  }

  /// The ranges on the page are those that a number outside of them is refused with, and so are the options.
  @Test func rangesOfRecipes() throws {
    let settings =
      ["Recipe keys", "optimizer", "schedule", "augmentation", "scaling"].flatMap { section in
        page.rows(section).map { row in
          let option = MarkdownPage.code(in: row[row.count - 1]).first ?? ""
          return Setting(
            key: MarkdownPage.code(in: row[0])[0], range: row[row.count - 2], option: option)
        }
      }
    let ranges = settings.filter { $0.range.contains(#/^(from|above|at least|between) /#) }
    try #require(ranges.count > 30)
    for setting in ranges {
      // A seed has all 64 bits, and is checked where it is read.
      let isSeed = setting.key == "seed"
      let value = Recipe.isWhole(setting.key) && !isSeed ? "\(Int.max)" : "-1"
      let sentence = try refusal(of: setting.key, value)
      let expected =
        isSeed
        ? "'seed' must be a whole number \(setting.range), found"
        : "'\(setting.key)' (\(setting.option)) must be \(setting.range), found"
      #expect(sentence.contains(expected), "\(expected): \(sentence)")
    }
    let help = try Command.alone("train", "--help").run().output
    for setting in settings {
      #expect(help.contains(try Regex("\(setting.option)[ /\n]")), "\(setting.key): \(setting.option)")
    }
  }

  /// What is said of a recipe that is all right but for a key's value; nothing if it is taken.
  private func refusal(of key: String, _ value: String) throws -> String {
    let words = key.split(separator: ".").map(String.init)
    var json = value
    for (depth, word) in words.enumerated().reversed() {
      var members = ["\"\(word)\": \(json)"]
      if depth == 1 {
        let owners = page.rows(words[0]).first { $0[0] == "`\(key)`" } ?? []
        let kinds = words[0] == "optimizer" ? OptimizerSpecification.names : ["step", "cosine", "one-cycle"]
        if ["optimizer", "schedule"].contains(words[0]),
          let column = owners.dropFirst().firstIndex(where: { !$0.isEmpty })
        {
          members.append("\"name\": \"\(kinds[column - 1])\"")
        }
      }
      json = "{\(members.joined(separator: ", "))}"
    }
    do throws(RecipeError) {
      _ = try Recipe.parse(Data(json.utf8), origin: "page")
      return ""
    } catch {
      return error.description
    }
  }

  @Test func namedRecipes() throws {
    let rows = page.rows("Named recipes")
    #expect(rows.flatMap { MarkdownPage.code(in: $0[0]) } == Recipe.names)
    #expect(page.names("Named recipes", table: 1) == Recipe.names)
    for row in rows {
      let recipe = try #require(Recipe.named(MarkdownPage.code(in: row[0])[0]))
      let numbers = row[1...4].map { Int($0.replacing(",", with: "")) }
      var (shape, parameters) = (Shape.mnist, 0)
      for layer in recipe.network.layers {
        parameters += layer.parameterCount(for: shape)
        shape = try #require(layer.outputShape(for: shape))
      }
      #expect(
        numbers == [
          parameters, recipe.globalBatch, recipe.microBatch, recipe.globalBatch / recipe.microBatch,
        ], "\(recipe.name)")
      let length = recipe.steps.map { "\($0) steps" } ?? "\(recipe.epochs) epochs"
      #expect(row[5] == length, "\(recipe.name)")
    }
    for row in page.rows("Named recipes", table: 1) {
      for name in MarkdownPage.code(in: row[0]) {
        #expect(Recipe.named(name)?.network.description == MarkdownPage.code(in: row[1])[0], "\(name)")
      }
    }
  }
}
