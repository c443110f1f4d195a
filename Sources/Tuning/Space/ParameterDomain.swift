internal import Foundation
internal import Tensors

/// What a parameter may be.
package enum ParameterDomain: Hashable, Sendable {
  case choices([JSONValue])
  /// Numbers between two, both included where they are whole; `isLog`: equal ratios are equally likely.
  case range(low: Double, high: Double, isLog: Bool, isWhole: Bool)

  /// The value at a place of the domain, from 0 to below 1: uniform places give uniform values.
  ///
  /// Real numbers are rounded to what tells some ten thousand of them apart, so that tables stay readable; all arithmetic is
  /// the same on every machine.
  package func value(at place: Double) -> JSONValue {
    switch self {
    case .choices(let choices):
      return choices[min(Int(place * Double(choices.count)), choices.count - 1)]
    case .range(let low, let high, let isLog, let isWhole):
      let top = isWhole ? high + 1 : high
      var value =
        isLog
        ? exponential(double: naturalLogarithm(low) + place * (naturalLogarithm(top) - naturalLogarithm(low)))
        : low + place * (top - low)
      guard !isWhole else {
        value = min(max(value.rounded(.down), low), high)
        return Int(exactly: value).map { .whole($0) } ?? .large(UInt64(value))
      }
      // A ratio that a few digits cannot show keeps all of them.
      let digits = isLog ? (high / low > 1.1 ? 4 : 17) : 0
      if digits > 0 {
        value = Double(String(format: "%.\(digits)g", value)) ?? value
      } else {
        let places = min(max(Int((4 - log10(high - low)).rounded(.up)), 0), 40)
        value = Double(String(format: "%.\(places)f", value)) ?? value
      }
      return .number(min(max(value, low), high))
    }
  }

  /// The values at its ends, or all choices: what has to be allowed.
  var extremes: [JSONValue] {
    switch self {
    case .choices(let choices): choices
    case .range(let low, let high, _, let isWhole):
      [low, high].map { end in
        isWhole ? Int(exactly: end).map { .whole($0) } ?? .large(UInt64(end)) : .number(end)
      }
    }
  }
}
