import Foundation

/// Commands and what they print, as a page shows them; and whether what they print today is that.
///
/// Figures are compared exactly, but for those of time, rate or memory, dates, and names that hold one, which
/// need only be figures again. `…` stands for anything: within a line, or, alone in a line, for any number of lines.
struct Transcript {
  /// A command with what it printed.
  struct Step {
    var command: String
    var output: [String]
    /// What it should end with: 0, or what a last line `[exit code N]` says.
    var exitCode: Int32 = 0
  }

  var steps: [Step] = []
  /// Whether all figures need only be figures again.
  var isInKind: Bool

  /// Reads the text of a block whose commands begin with `$ `; a command that ends with a backslash goes on in the next line.
  init(_ text: String, isInKind: Bool = false) {
    self.isInKind = isInKind
    var continues = false
    for line in text.components(separatedBy: "\n") {
      if continues {
        steps[steps.count - 1].command += "\n" + (line.hasPrefix("> ") ? String(line.dropFirst(2)) : line)
        continues = line.hasSuffix("\\")
      } else if line.hasPrefix("$ ") {
        steps.append(Step(command: String(line.dropFirst(2)), output: []))
        continues = line.hasSuffix("\\")
      } else if let match = line.wholeMatch(of: /\[exit code ([0-9]+)\]/), let code = Int32(match.1) {
        steps[steps.count - 1].exitCode = code
      } else if !steps.isEmpty {
        steps[steps.count - 1].output.append(line)
      }
    }
  }

  /// Nil if `output` is what the step shows, else the first line that it isn't.
  func difference(of output: String, from step: Step) -> String? {
    let expected = Self.withoutEmptyEnds(step.output)
    let found = Self.withoutEmptyEnds(output.components(separatedBy: "\n"))
    var farthest = 0
    // Which lines may stand for which is tried from the first on; `…` alone may stand for any number.
    func matches(_ i: Int, _ j: Int) -> Bool {
      farthest = max(farthest, i)
      guard i < expected.count else { return j == found.count }
      if expected[i].trimmingCharacters(in: .whitespaces) == "…" {
        return (j...found.count).contains { matches(i + 1, $0) }
      }
      return j < found.count && Self.matches(found[j], expected[i], isInKind: isInKind)
        && matches(i + 1, j + 1)
    }
    if matches(0, 0) { return nil }
    guard farthest < expected.count else { return "found more lines than are shown:\n\(output)" }
    return "found no line like '\(expected[farthest])' in its place in:\n\(output)"
  }

  private static func withoutEmptyEnds(_ lines: [String]) -> [String] {
    func isEmpty(_ line: String) -> Bool { line.trimmingCharacters(in: .whitespaces).isEmpty }
    let trimmed = lines.drop(while: isEmpty)
    return trimmed.reversed().drop(while: isEmpty).reversed()
  }

  private static let figure = #"(?:(?<!\w)[-+−])?[0-9][0-9,]*(?:\.[0-9]+)?"#
  private static let units = [
    "images/s", "GFLOP/s", "GB/s", "MB/s", "GHz", "GiB", "MiB", "KiB", "GB", "MB", "kB", "KB", "°C", "min",
    "s", "ms", "µs",
    "ns", "h", "hours", "minutes", "seconds", "µs/image",
  ].sorted { $0.count > $1.count }.map(NSRegularExpression.escapedPattern).joined(separator: "|")

  /// Whether a line is what a page shows.
  static func matches(_ line: String, _ shown: String, isInKind: Bool = false) -> Bool {
    // In what is shown, in this order: a date or a moment, a figure with a unit, any figure, gaps, rules, `…`.
    let moment = #"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[-T ][0-9]{2}:?[0-9]{2}:?[0-9]{2}Z?)?"#
    let pieces = try? NSRegularExpression(
      pattern:
        "(\(moment))|(\(figure)(?:–\(figure))?)( ?(?:\(units)))(?![a-zA-Z/])|(\(figure))|([ \\t]+)|([─━═]+)|(…)"
    )
    guard let pieces else { return false }
    var pattern = ""
    let whole = shown as NSString
    var end = 0
    for match in pieces.matches(in: shown, range: NSRange(location: 0, length: whole.length)) {
      let between = whole.substring(with: NSRange(location: end, length: match.range.location - end))
      pattern += NSRegularExpression.escapedPattern(for: between)
      end = match.range.location + match.range.length
      func has(_ group: Int) -> Bool { match.range(at: group).location != NSNotFound }
      if has(1) {
        pattern += moment
      } else if has(2) {
        // Another machine may take milliseconds for what took a second.
        pattern += "\(figure)(?:–\(figure))?" + #"\s*(?:\#(units))"#
      } else if has(4) {
        pattern +=
          isInKind ? figure : NSRegularExpression.escapedPattern(for: whole.substring(with: match.range))
      } else if has(5) {
        pattern += #"\s+"#
      } else if has(6) {
        pattern += "[─━═]+"
      } else {
        pattern += ".*"
      }
    }
    pattern += NSRegularExpression.escapedPattern(for: whole.substring(from: end))
    let trimmed = line.replacing(/\s+$/, with: "")
    return trimmed.range(of: "^\(pattern)\\s*$", options: .regularExpression) != nil
  }
}
