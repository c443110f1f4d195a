/// How much a search may cost, so far and from now on.
package enum SearchBudget: Hashable, Sendable {
  /// Training samples of all trials, counted as their recipes say: the same trials anywhere.
  case samples(Int)
  /// Minutes of this job: no trial begins behind them, so which ones do depends on the machines.
  case minutes(Double)

  /// Reads `2000000`, `2000000 samples` or `90 minutes` (`90m`, `1.5h`); nil for anything else.
  package init?(_ text: String) {
    let words = text.replacing("_", with: "").split(separator: " ").map(String.init)
    guard let first = words.first, words.count <= 2 else { return nil }
    let digits = first.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = String(first.dropFirst(digits.count)) + words.dropFirst().joined()
    switch unit {
    case "", "samples", "sample":
      guard let count = Int(digits), count > 0 else { return nil }
      self = .samples(count)
    case "m", "min", "minute", "minutes", "h", "hour", "hours":
      guard let count = Double(digits), count > 0 else { return nil }
      let minutes = unit.hasPrefix("h") ? 60 * count : count
      guard minutes <= 1e7 else { return nil }
      self = .minutes(minutes)
    default: return nil
    }
  }
}
