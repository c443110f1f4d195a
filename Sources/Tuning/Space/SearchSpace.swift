package import Foundation
internal import Model
package import Runs

/// What a search may try: a base recipe, and for some of its fields what they may be.
///
/// ```json
/// {
///   "recipe": "quick",
///   "parameters": {
///     "globalBatch": { "choices": [32, 64, 128] },
///     "optimizer": { "choices": ["muon", "adamw"] },
///     "muon.learningRate": { "log": [0.005, 0.1] },
///     "adamw.learningRate": { "log": [0.0003, 0.01] },
///     "labelSmoothing": { "range": [0, 0.2] },
///     "schedule.warmup": { "range": [0, 0.5], "when": { "schedule": ["one-cycle", "cosine"] } }
///   }
/// }
/// ```
package struct SearchSpace: Hashable, Sendable {
  /// A field of the recipe that is searched.
  package struct Parameter: Hashable, Sendable {
    /// As the space calls it.
    package var key: String
    /// Its keys in the recipe's JSON, outermost first.
    package var path: [String]
    package var domain: ParameterDomain
    /// All must hold for the parameter to be there.
    var conditions: [Condition]
  }

  /// That a field of the recipe is one of some values.
  struct Condition: Hashable, Sendable {
    var path: [String]
    var values: [JSONValue]
  }

  package let base: Recipe
  /// Those that others depend on first.
  package let parameters: [Parameter]
  /// The space as it was written.
  package let document: JSONValue

  /// The spaces that are built in.
  package static let names = ["quick"]

  private static let quick = """
    {"recipe": "quick", "parameters": {
      "globalBatch": {"choices": [32, 64, 128]},
      "optimizer.learningRate": {"log": [0.005, 0.1]},
      "labelSmoothing": {"range": [0, 0.1]},
      "schedule": {"choices": ["one-cycle", "cosine"]},
      "schedule.warmup": {"range": [0, 0.4]},
      "shift": {"range": [0, 2]},
      "averaging": {"choices": [null, 0.95, 0.98]}}}
    """

  /// A built-in space; nil for another name.
  package static func named(_ name: String) -> SearchSpace? {
    name == "quick" ? try? parse(Data(quick.utf8), origin: name) : nil
  }

  /// Reads a space; `origin` is what errors call it, e.g. the file's path.
  ///
  /// - Throws: `RunError` with exit code 65 naming the key, what was expected and what was found.
  package static func parse(_ data: Data, origin: String) throws(RunError) -> SearchSpace {
    let document: JSONValue
    do {
      document = try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      throw RunError(
        "\(origin): expected a search space in JSON, found text that is none, or a number that no computer can hold",
        exitCode: 65)
    }
    return try SearchSpace(document, origin: origin)
  }

  /// - Throws: as `parse`.
  package init(_ document: JSONValue, origin: String) throws(RunError) {
    let reader = SpaceReader(origin: origin)
    self.document = document
    base = try reader.base(document)
    parameters = try reader.parameters(document)
    try requireUsable(origin: origin)
  }

  /// Every value at the ends of a domain must make a recipe, wherever the parameter's conditions hold.
  private func requireUsable(origin: String) throws(RunError) {
    for parameter in parameters {
      for value in parameter.domain.extremes {
        var object = JSONValue(encoding: base)
        for condition in parameter.conditions {
          guard let wanted = condition.values.first else { continue }
          object = Self.setting(wanted, at: condition.path, in: object)
        }
        do {
          _ = try recipe(from: Self.setting(value, at: parameter.path, in: object), origin: origin)
        } catch {
          throw RunError(
            "\(origin): '\(parameter.key)' cannot be \(value.words): \(error.description)", exitCode: 65)
        }
      }
    }
  }

  /// The recipe at a point: a place in each parameter's domain, from 0 to below 1, in the order of `parameters`; and what
  /// the parameters that are there then are, by key.
  ///
  /// - Throws: `RunError` with exit code 65 if such values do not go together.
  package func recipe(at point: [Double]) throws(RunError) -> (recipe: Recipe, values: [String: JSONValue]) {
    var object = JSONValue(encoding: base)
    var values: [String: JSONValue] = [:]
    for (parameter, place) in zip(parameters, point) {
      guard parameter.conditions.allSatisfy({ Self.holds($0, of: object) }) else { continue }
      let value = parameter.domain.value(at: place)
      object = Self.setting(value, at: parameter.path, in: object)
      values[parameter.key] = value
    }
    do {
      return (try recipe(from: object, origin: "the space"), values)
    } catch {
      let words = values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.words)" }
      throw RunError("\(error.description) (\(words.joined(separator: ", ")))", exitCode: 65)
    }
  }

  private func recipe(from object: JSONValue, origin: String) throws(RecipeError) -> Recipe {
    var recipe = try Recipe.parse(Data(object.json.utf8), origin: origin)
    // As text it would be one that was written out.
    if object[["network"]] == .text(base.network.description) { recipe.network = base.network }
    return recipe
  }

  /// Sets a field of a recipe's JSON. An optimizer or a schedule of another name comes with its own defaults, and so does an
  /// augmentation where there was none.
  private static func setting(_ value: JSONValue, at path: [String], in object: JSONValue) -> JSONValue {
    var object = object
    if case .text(let name) = value, path == ["optimizer"] || path == ["schedule"] {
      guard object[path + ["name"]] != value else { return object }
      let defaults =
        path == ["optimizer"]
        ? OptimizerSpecification(name: name).map { JSONValue(encoding: $0) }
        : Schedule(name: name).map { JSONValue(encoding: $0) }
      return object.setting(defaults ?? .object(["name": value]), at: path)
    }
    if path.count > 1, path[0] == "augmentation", object[["augmentation"]] ?? .null == .null {
      object = object.setting(JSONValue(encoding: Augmentation()), at: ["augmentation"])
    }
    return object.setting(value, at: path)
  }

  private static func holds(_ condition: Condition, of object: JSONValue) -> Bool {
    guard let found = object[condition.path] else { return condition.values.contains(.null) }
    return condition.values.contains { wanted in
      if case .text(let text) = wanted {
        if case .object = found { return found[["name"]] == wanted }
        if condition.path == ["network"], let network = try? NetworkSpecification(text) {
          return found == .text(network.description)
        }
      }
      // 1 and 1.0 are one number.
      if let a = wanted.double, let b = found.double { return a == b || Float(a) == Float(b) }
      return found == wanted
    }
  }
}
