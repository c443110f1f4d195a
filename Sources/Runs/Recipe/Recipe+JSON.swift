package import Foundation
internal import Model

extension Recipe {
  /// The recipe as canonical JSON: sorted keys, one line or indented; equal recipes have equal texts.
  package func json(indented: Bool = false) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      indented
      ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a recipe has only numbers and names, yet cannot be encoded")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// Reads a recipe from JSON. Keys that are left out take their value from the built-in recipe that `name`
  /// names, or from `quick`; an optimizer's from its own defaults.
  ///
  /// `origin` is what the error calls the text, e.g. the file's path.
  ///
  /// - Throws: `RecipeError` naming the key, what was expected and what was found.
  package static func parse(_ data: Data, origin: String) throws(RecipeError) -> Recipe {
    let value: Any
    do {
      value = try JSONSerialization.jsonObject(with: data)
    } catch {
      throw RecipeError("\(origin): expected a recipe in JSON, found text that is none")
    }
    guard let given = value as? [String: Any] else {
      throw RecipeError("\(origin): expected a JSON object with a recipe's keys")
    }
    let base = (given["name"] as? String).flatMap { named($0) } ?? named("quick")
    guard let base, let defaults = dictionary(base) else { preconditionFailure("`quick` is built in") }
    var merged = defaults
    for (key, value) in given {
      guard CodingKeys(rawValue: key) != nil else {
        let keys = CodingKeys.allCases.map(\.rawValue).sorted().joined(separator: ", ")
        throw RecipeError("\(origin): a recipe has no '\(key)'; its keys are \(keys)")
      }
      merged[key] = try merge(key, value, over: defaults[key], origin: origin)
    }
    do {
      return try JSONDecoder().decode(Recipe.self, from: JSONSerialization.data(withJSONObject: merged))
    } catch let error as DecodingError {
      throw RecipeError("\(origin): \(sentence(for: error))")
    } catch {
      throw RecipeError("\(origin): \(error)")
    }
  }

  /// Fills the gaps of a nested object: an optimizer's from the defaults of the optimizer it names.
  private static func merge(
    _ key: String, _ value: Any, over base: Any?, origin: String
  ) throws(RecipeError) -> Any {
    guard let given = value as? [String: Any] else { return value }
    var defaults = base as? [String: Any] ?? [:]
    if key == "optimizer", let name = given["name"] as? String, name != defaults["name"] as? String,
      let other = OptimizerSpecification(name: name), let own = dictionary(other)
    {
      defaults = own
    }
    if key == "schedule" {
      return given
    }
    for (inner, innerValue) in given {
      guard defaults[inner] != nil else {
        throw RecipeError(
          "\(origin): '\(key)' has no '\(inner)'; its keys are \(defaults.keys.sorted().joined(separator: ", "))"
        )
      }
      defaults[inner] = try merge(inner, innerValue, over: defaults[inner], origin: origin)
    }
    return defaults
  }

  private static func dictionary(_ value: some Encodable) -> [String: Any]? {
    guard let data = try? JSONEncoder().encode(value) else { return nil }
    return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
  }

  private static func sentence(for error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? "the recipe" : "'\(path)'"
    }
    switch error {
    case .typeMismatch(let type, let context):
      return "\(place(context)) is not of the expected type, \(type)"
    case .keyNotFound(let key, _): return "'\(key.stringValue)' is missing"
    case .valueNotFound(_, let context): return "\(place(context)) has no value"
    case .dataCorrupted(let context):
      if let underlying = context.underlyingError { return "\(underlying)" }
      return "\(place(context)): \(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}
