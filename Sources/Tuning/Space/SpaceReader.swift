internal import Foundation
internal import Model
internal import Runs

/// Makes a space of its JSON, and says in one sentence what is wrong with it.
struct SpaceReader {
  /// What errors call the space.
  let origin: String

  /// More parameters than the sampler has dimensions would not be told apart.
  static let mostParameters = SobolSequence.mostDimensions

  private func error(_ sentence: String) -> RunError { RunError("\(origin): \(sentence)", exitCode: 65) }

  private func members(
    _ value: JSONValue?, of what: String, keys: [String]?
  ) throws(RunError) -> [String: JSONValue] {
    guard case .object(let members)? = value else {
      throw error("\(what): expected an object, found \(value?.json.prefix(60) ?? "nothing")")
    }
    if let keys, let other = members.keys.sorted().first(where: { !keys.contains($0) }) {
      throw error("\(what) has no '\(other)'; its keys are \(keys.joined(separator: ", "))")
    }
    return members
  }

  /// The recipe whose fields are searched.
  func base(_ document: JSONValue) throws(RunError) -> Recipe {
    let given = try members(document, of: "a search space", keys: ["recipe", "parameters"])["recipe"]
    let recipe: Recipe
    switch given ?? .text("quick") {
    case .text(let name):
      guard let named = Recipe.named(name) else {
        throw error(
          "'recipe': expected one of \(Recipe.names.joined(separator: ", ")) or an object, found '\(name)'")
      }
      recipe = named
    case .object(let members):
      do throws(RecipeError) {
        recipe = try Recipe.parse(Data(JSONValue.object(members).json.utf8), origin: "\(origin): 'recipe'")
      } catch {
        throw RunError(error.description, exitCode: 65)
      }
    case let other: throw error("'recipe': expected a name or an object, found \(other.json.prefix(60))")
    }
    guard recipe.validation > 0 else {
      throw error(
        "'recipe': 'validation' is 0, and trials are judged by their validation accuracy: keep some samples")
    }
    guard recipe.initialModel == nil else {
      throw error("'recipe': 'initialModel': trials begin with weights drawn from their seeds")
    }
    return recipe
  }

  /// The parameters, those that others depend on first, else by their keys.
  func parameters(_ document: JSONValue) throws(RunError) -> [SearchSpace.Parameter] {
    let given = try members(document, of: "a search space", keys: nil)["parameters"]
    let all = try members(given, of: "'parameters'", keys: nil)
    guard !all.isEmpty else { throw error("'parameters': expected at least one, found none") }
    guard all.count <= Self.mostParameters else {
      throw error("'parameters': expected at most \(Self.mostParameters), found \(all.count)")
    }
    var rest: [SearchSpace.Parameter] = []
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { rest.append(try parameter(key, value)) }
    try requireDistinct(rest)
    for parameter in rest { try requireReachable(parameter, among: rest) }
    var ordered: [SearchSpace.Parameter] = []
    while !rest.isEmpty {
      let next = rest.firstIndex { parameter in
        !rest.contains { $0.path != parameter.path && precedes($0, parameter) }
      }
      guard let next else {
        throw error(
          "the conditions of \(rest.map { "'\($0.key)'" }.joined(separator: ", ")) go round in a circle")
      }
      ordered.append(rest.remove(at: next))
    }
    return ordered
  }

  /// Whether one parameter must be known before another: what is in it belongs to it, or its conditions look at it.
  private func precedes(_ first: SearchSpace.Parameter, _ second: SearchSpace.Parameter) -> Bool {
    let isWhole = second.path.count > first.path.count && second.path.starts(with: first.path)
    return isWhole || second.conditions.contains { $0.path.starts(with: first.path) }
  }

  private func parameter(_ key: String, _ value: JSONValue) throws(RunError) -> SearchSpace.Parameter {
    let keys = ["choices", "range", "log", "when"]
    let members = try members(value, of: "'\(key)'", keys: keys)
    let (path, implied) = try path(key)
    if ["name", "initialModel", "validation"].contains(path[0]) {
      let reason =
        path[0] == "validation"
        ? "trials are compared by the same validation samples" : "it changes nothing that is trained"
      throw error(
        "'\(key)' cannot be searched: \(path[0] == "initialModel" ? "trials begin with drawn weights" : reason)"
      )
    }
    let kinds = keys.dropLast().filter { members[$0] != nil }
    guard kinds.count == 1, let kind = kinds.first, let content = members[kind] else {
      throw error(
        "'\(key)': expected one of choices, range and log, found \(kinds.isEmpty ? "none" : kinds.joined(separator: " and "))"
      )
    }
    let domain =
      kind == "choices"
      ? try choices(key, content)
      : try range(key, content, isLog: kind == "log", isWhole: Recipe.isWhole(path.joined(separator: ".")))
    var conditions = implied
    if let when = members["when"] {
      for (other, values) in try self.members(when, of: "'\(key)': 'when'", keys: nil).sorted(by: {
        $0.key < $1.key
      }) {
        let list: [JSONValue] = if case .list(let list) = values { list } else { [values] }
        guard !list.isEmpty else { throw error("'\(key)': 'when': '\(other)' has no values") }
        let (path, more) = try self.path(other)
        conditions += more + [SearchSpace.Condition(path: path, values: list)]
      }
    }
    return SearchSpace.Parameter(key: key, path: path, domain: domain, conditions: conditions)
  }

  /// A key's path in the recipe, and what it implies: `muon.learningRate` is the learning rate of that optimizer, and there
  /// where it is the optimizer.
  private func path(_ key: String) throws(RunError) -> ([String], [SearchSpace.Condition]) {
    let words = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for (whole, names) in [("optimizer", OptimizerSpecification.names), ("schedule", Schedule.names)]
    where words.count > 1 && names.contains(words[0]) {
      return (
        [whole] + words.dropFirst(), [SearchSpace.Condition(path: [whole], values: [.text(words[0])])]
      )
    }
    guard Recipe.keys.contains(words[0]), !words.contains("") else {
      throw error("a recipe has no '\(key)'; its keys are \(Recipe.keys.sorted().joined(separator: ", "))")
    }
    return (words, [])
  }

  private func choices(_ key: String, _ value: JSONValue) throws(RunError) -> ParameterDomain {
    guard case .list(let choices) = value, !choices.isEmpty else {
      throw error("'\(key)': 'choices': expected a list of values, found \(value.json.prefix(60))")
    }
    if let twice = choices.indices.first(where: { choices[..<$0].contains(choices[$0]) }) {
      throw error("'\(key)': 'choices': \(choices[twice].words) is there twice")
    }
    return .choices(choices)
  }

  private func range(_ key: String, _ value: JSONValue, isLog: Bool, isWhole: Bool) throws(RunError)
    -> ParameterDomain
  {
    let kind = isLog ? "log" : "range"
    guard case .list(let ends) = value, ends.count == 2, let low = ends[0].double, let high = ends[1].double
    else {
      throw error("'\(key)': '\(kind)': expected two numbers, found \(value.json.prefix(60))")
    }
    guard low.isFinite, high.isFinite, low < high else {
      throw error("'\(key)': '\(kind)': expected a lower number and a higher one, found \(value.json)")
    }
    if isWhole {
      let isExact = [low, high].allSatisfy { $0 == $0.rounded() && $0.magnitude <= 0x1p53 }
      guard isExact else {
        throw error("'\(key)': '\(kind)': expected whole numbers of at most 53 bits, found \(value.json)")
      }
    }
    guard !isLog || low > 0 else {
      throw error("'\(key)': 'log': expected numbers above 0, found \(value.json)")
    }
    return .range(low: low, high: high, isLog: isLog, isWhole: isWhole)
  }

  /// Two parameters of one field must never be there together.
  private func requireDistinct(_ parameters: [SearchSpace.Parameter]) throws(RunError) {
    for (index, parameter) in parameters.enumerated() {
      for other in parameters[..<index] where other.path == parameter.path {
        let areApart = parameter.conditions.contains { condition in
          other.conditions.contains {
            $0.path == condition.path && Set($0.values).isDisjoint(with: condition.values)
          }
        }
        guard areApart else {
          throw error("'\(other.key)' and '\(parameter.key)' are one field, and may be there together")
        }
      }
    }
  }

  /// A condition that no choice fulfils is a slip.
  private func requireReachable(
    _ parameter: SearchSpace.Parameter, among all: [SearchSpace.Parameter]
  ) throws(RunError) {
    for condition in parameter.conditions {
      guard let other = all.first(where: { $0.path == condition.path }),
        case .choices(let choices) = other.domain
      else { continue }
      func name(_ value: JSONValue) -> JSONValue { value[["name"]] ?? value }
      guard !Set(choices.map(name)).isDisjoint(with: condition.values) else {
        throw error(
          "'\(parameter.key)' is never there: '\(other.key)' is none of \(condition.values.map(\.words).joined(separator: ", "))"
        )
      }
    }
  }
}
