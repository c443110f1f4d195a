package import Foundation
internal import Model

extension Recipe {
  /// Writes all settings down but those that are nil. Of these, the ones that the built-in recipe of this name has become
  /// null: left out they would come back when the recipe is read.
  package func encode(to encoder: any Encoder) throws {
    let base = Self.named(name)
    var container = encoder.container(keyedBy: CodingKeys.self)
    func encode<Value: Encodable>(_ setting: KeyPath<Recipe, Value?>, _ key: CodingKeys) throws {
      if let value = self[keyPath: setting] {
        try container.encode(value, forKey: key)
      } else if base?[keyPath: setting] != nil {
        try container.encodeNil(forKey: key)
      }
    }
    try container.encode(name, forKey: .name)
    try container.encode(network, forKey: .network)
    try container.encode(optimizer, forKey: .optimizer)
    try container.encode(schedule, forKey: .schedule)
    try container.encode(globalBatch, forKey: .globalBatch)
    try container.encode(microBatch, forKey: .microBatch)
    try container.encode(epochs, forKey: .epochs)
    try encode(\.steps, .steps)
    try container.encode(dropsLastBatch, forKey: .dropsLastBatch)
    try container.encode(shift, forKey: .shift)
    try encode(\.augmentation, .augmentation)
    try container.encode(validation, forKey: .validation)
    try container.encode(seed, forKey: .seed)
    try container.encode(labelSmoothing, forKey: .labelSmoothing)
    try encode(\.gradientClipping, .gradientClipping)
    try encode(\.gradients, .gradients)
    try encode(\.averaging, .averaging)
    try encode(\.patience, .patience)
    try container.encode(scaling, forKey: .scaling)
    try encode(\.initialScale, .initialScale)
    try encode(\.initialModel, .initialModel)
  }

  /// The recipe as canonical JSON: sorted keys, one line or indented; equal recipes have equal texts.
  package func json(indented: Bool = false) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      indented
      ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    // Ranges are checked elsewhere; whoever prints a recipe that fails there must not trap.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
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
  /// - Throws: `RecipeError` naming the key, what was expected and what was found; also for numbers out of range.
  package static func parse(_ data: Data, origin: String) throws(RecipeError) -> Recipe {
    let value: Any
    do {
      value = try JSONSerialization.jsonObject(with: data)
    } catch {
      throw RecipeError("\(origin): \(sentence(forUnreadable: data, error))")
    }
    guard let given = value as? [String: Any] else {
      throw RecipeError("\(origin): expected a JSON object with a recipe's keys")
    }
    let base = (given["name"] as? String).flatMap { named($0) } ?? named("quick")
    guard let base, let defaults = dictionary(base) else { preconditionFailure("`quick` is built in") }
    var merged = defaults
    for (key, value) in given.sorted(by: { $0.key < $1.key }) {
      guard CodingKeys(rawValue: key) != nil else {
        let keys = CodingKeys.allCases.map(\.rawValue).sorted().joined(separator: ", ")
        throw RecipeError("\(origin): a recipe has no '\(key)'; its keys are \(keys)")
      }
      merged[key] = try merge(key, value, over: defaults[key], origin: origin)
    }
    var recipe: Recipe
    do {
      recipe = try JSONDecoder().decode(Recipe.self, from: JSONSerialization.data(withJSONObject: merged))
    } catch let error as DecodingError {
      throw RecipeError("\(origin): \(sentence(for: error))")
    } catch {
      throw RecipeError("\(origin): \(error)")
    }
    // As text it would be one that was written out.
    if given["network"] == nil { recipe.network = base.network }
    try recipe.validateRanges(origin: origin)
    return recipe
  }

  /// The keys of whole numbers, wherever in a recipe they stand.
  private static let wholeNumbers: Set<String> = [
    "globalBatch", "microBatch", "epochs", "steps", "shift", "validation", "seed", "referenceBatch",
    "iterations", "patience", "elasticGrid",
  ]

  /// The keys of a recipe in JSON.
  package static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// Whether the numbers of a key, of a nested one such as `schedule.epochs` too, are whole.
  package static func isWhole(_ key: String) -> Bool {
    wholeNumbers.contains(key.split(separator: ".").last.map(String.init) ?? key)
  }

  /// A number as the type of its key can hold it. The decoder would call the whole text invalid, and name no key.
  private static func fit(_ number: NSNumber, _ key: String, origin: String) throws(RecipeError) -> NSNumber {
    if isWhole(key) {
      if key == "seed" {
        guard UInt64(exactly: number) != nil else {
          throw RecipeError(
            "\(origin): '\(key)' must be a whole number from 0 to \(UInt64.max), found \(number)")
        }
      } else if Int(exactly: number) == nil {
        throw RecipeError("\(origin): '\(key)' must be a whole number of at most 63 bits, found \(number)")
      }
      return number
    }
    let float = Float(number.doubleValue)
    guard float.isFinite else {
      throw RecipeError(
        "\(origin): '\(key)' must be at most \(Float.greatestFiniteMagnitude), found \(number)")
    }
    return float == 0 ? 0 : number
  }

  /// Fills the gaps of a nested object: an optimizer's from the defaults of the optimizer it names.
  private static func merge(
    _ key: String, _ value: Any, over base: Any?, origin: String
  ) throws(RecipeError) -> Any {
    if let number = value as? NSNumber, !(value is Bool), !isBoolean(number) {
      return try fit(number, key, origin: origin)
    }
    guard let given = value as? [String: Any] else { return value }
    var defaults = base as? [String: Any] ?? [:]
    if key == "optimizer", let name = given["name"] as? String, name != defaults["name"] as? String,
      let other = OptimizerSpecification(name: name), let own = dictionary(other)
    {
      defaults = own
    }
    if key == "augmentation", defaults.isEmpty { defaults = dictionary(Augmentation()) ?? [:] }
    if key == "schedule" {
      // A schedule's settings depend on its name, and each has a default.
      let own = (given["name"] as? String).flatMap { Schedule(name: $0) }.flatMap { dictionary($0) }
      if let own { defaults = own } else if given["name"] != nil { return given }
    }
    for (inner, innerValue) in given.sorted(by: { $0.key < $1.key }) {
      guard defaults[inner] != nil else {
        throw RecipeError(
          "\(origin): '\(key)' has no '\(inner)'; its keys are \(defaults.keys.sorted().joined(separator: ", "))"
        )
      }
      defaults[inner] = try merge("\(key).\(inner)", innerValue, over: defaults[inner], origin: origin)
    }
    return defaults
  }

  /// `true` and `false` are numbers to Foundation.
  private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

  /// Why a text could not be read at all. JSON sets numbers no limit, so one that no Double can hold does not make it
  /// other than JSON.
  private static func sentence(forUnreadable data: Data, _ error: any Error) -> String {
    let reason = (error as NSError).userInfo["NSDebugDescription"] as? String ?? ""
    let words = reason.split(separator: " ")
    guard words.first == "Number", reason.contains("not representable"), words.count > 1 else {
      return "expected a recipe in JSON, found text that is none"
    }
    let number = String(words[1])
    let text = String(decoding: data, as: UTF8.self)
    let before = text.range(of: number).map { text[..<$0.lowerBound] } ?? ""
    let key = before.split(separator: "\"", omittingEmptySubsequences: false).dropLast().last ?? ""
    return "'\(key)' must be a number that a computer can hold, found \(number)"
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
