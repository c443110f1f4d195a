internal import Foundation

/// Numbers as people read them, the same in every locale. Any number has a text: none traps.
package enum Numbers {
  /// `1199882` → `1,199,882`.
  package static func grouped(_ value: some BinaryInteger) -> String {
    grouped(digits: String(value))
  }

  /// The nearest whole number, grouped; `–` for what is not finite, and `4.0e+25` where the digits would be those of
  /// the binary number alone.
  package static func grouped(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let whole = value.rounded()
    if let exact = Int(exactly: whole) { return grouped(exact) }
    return value.magnitude < 1e22 ? grouped(digits: fixed(value, 0)) : "\(value)"
  }

  private static func grouped(digits: String) -> String {
    let (sign, digits) = digits.hasPrefix("-") ? ("-", digits.dropFirst()) : ("", digits[...])
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return sign + text
  }

  /// More digits than these behind the point tell nothing about a `Double`.
  private static let mostPlaces = 400

  /// A number with `places` digits behind the point; `–` for what is not finite.
  package static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return "–" }
    let places = min(max(places, 0), mostPlaces)
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    // Beyond 2⁵³ not every whole number is a Double, and soon none fits into an Int.
    guard scale < 1e16, value.magnitude * scale < 9e15 else {
      return String(format: "%.\(places)f", value)
    }
    let scaled = Int((value.magnitude * scale).rounded())
    let whole = String(scaled / Int(scale))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + whole }
    let fraction = String(scaled % Int(scale))
    return sign + whole + "." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  /// Seconds as `0.42 s`, `7.3 s`, `2 min 05 s`, `1 h 07 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    if seconds < 1 { return fixed(seconds, 2) + " s" }
    if seconds < 59.95 { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    func padded(_ value: Int) -> String { (value < 10 ? "0" : "") + String(value) }
    if whole < 3600 { return "\(whole / 60) min \(padded(whole % 60)) s" }
    return "\(whole / 3600) h \(padded(whole / 60 % 60)) min"
  }
}
