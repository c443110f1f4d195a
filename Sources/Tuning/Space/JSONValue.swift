internal import Foundation

/// A value of JSON, whatever it is.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case whole(Int)
  /// A whole number beyond `Int`, as a seed may be.
  case large(UInt64)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  /// As JSON, keys sorted, in one line.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { preconditionFailure("JSON has finite numbers") }
    return String(decoding: data, as: UTF8.self)
  }

  /// As people read it: texts without quotation marks.
  package var words: String {
    switch self {
    case .text(let text): text
    case .null: "none"
    default: json
    }
  }

  /// The number, if it is one.
  package var double: Double? {
    switch self {
    case .whole(let value): Double(value)
    case .large(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// What lies at a path of keys; nil if there is nothing.
  subscript(path: [String]) -> JSONValue? {
    guard let key = path.first else { return self }
    guard case .object(let members) = self else { return nil }
    return members[key]?[Array(path.dropFirst())]
  }

  /// This object with `value` at a path, whose last key alone may be new.
  func setting(_ value: JSONValue, at path: [String]) -> JSONValue {
    guard let key = path.first else { return value }
    var members: [String: JSONValue] = if case .object(let members) = self { members } else { [:] }
    members[key] = (members[key] ?? .object([:])).setting(value, at: Array(path.dropFirst()))
    return .object(members)
  }

  /// What a value is in JSON.
  init(encoding value: some Encodable) {
    guard let data = try? JSONEncoder().encode(value),
      let json = try? JSONDecoder().decode(JSONValue.self, from: data)
    else { preconditionFailure("settings have finite numbers") }
    self = json
  }
}

extension JSONValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .whole(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .large(value)
    } else if let value = try? container.decode(String.self) {
      // Before numbers: to a decoder that takes "inf" for one, a text may be no finite number.
      self = .text(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .whole(let value): try container.encode(value)
    case .large(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}
