/// Numbers as people read them, the same in every locale.
package enum Numbers {
  /// `1199882` → `1,199,882`.
  package static func grouped(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + text
  }

  /// A number with `places` digits behind the point; `–` for what is not finite.
  package static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "–" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
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
