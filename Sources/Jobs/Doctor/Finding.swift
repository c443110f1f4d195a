/// Something that a user should know, and what to do about it.
package struct Finding: Hashable, Sendable {
  /// How bad it is; the worst compares least.
  package enum Level: String, Sendable, Comparable {
    /// Training would fail, hang, or give another model.
    case problem
    /// Training would be slow, or may fail.
    case warning
    /// Worth knowing, and no reason to worry.
    case note

    package static func < (left: Level, right: Level) -> Bool {
      let order: [Level] = [.problem, .warning, .note]
      return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
    }
  }

  /// How bad it is.
  package var level: Level
  /// What was found, and where.
  package var sentence: String
  /// What to do about it; empty if nothing.
  package var advice: String

  /// A finding of some level.
  package init(_ level: Level, _ sentence: String, advice: String = "") {
    self.level = level
    self.sentence = sentence
    self.advice = advice
  }
}

extension [Finding] {
  /// Whether training would fail, hang, or give another model.
  package var hasProblem: Bool { contains { $0.level == .problem } }
}
