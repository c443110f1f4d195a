import ArgumentParser

/// Checks a number that an option brings, before anything is computed with it.
///
/// - Throws: `ValidationError` naming the option, what it may be and what it is.
func require(_ option: String, _ value: Int?, in range: ClosedRange<Int>) throws(ValidationError) {
  guard let value, !range.contains(value) else { return }
  // Nobody who is told of a 0 needs to know about bounds that far away.
  let expected =
    value < range.lowerBound && range.upperBound >= 1_000_000
    ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
  throw ValidationError("\(option) must be \(expected), found \(value)")
}

/// As above, for a number that need not be whole; `unit` is as in "seconds".
///
/// - Throws: `ValidationError`.
func require(
  _ option: String, _ value: Double, in range: ClosedRange<Double>, _ unit: String = ""
) throws(ValidationError) {
  guard !range.contains(value) else { return }
  let expected =
    range.upperBound == .infinity || value < range.lowerBound && range.upperBound >= 1_000_000
    ? "at least \(range.lowerBound.words)" : "from \(range.lowerBound.words) to \(range.upperBound.words)"
  throw ValidationError("\(option) must be \(expected)\(unit.isEmpty ? "" : " " + unit), found \(value)")
}

extension Double {
  /// Whole numbers without a point.
  fileprivate var words: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}

/// More ranks than any machine has cores.
let mostRanks = 1 << 24
