/// Something that a user should know, and what to do about it.
package struct Finding: Hashable, Sendable {
  /// How bad it is; the worst compares least.
  package enum Level: String, Sendable, Comparable {
    /// Training would fail, hang, or give another model.
    case problem
    /// Training would be slow, or may fail.
    case warning
    case note

    package static func < (left: Level, right: Level) -> Bool {
      let order: [Level] = [.problem, .warning, .note]
      return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
    }
  }

  package var level: Level
  /// What was found, and where.
  package var what: String
  /// What to do about it; empty if nothing.
  package var advice: String

  package init(_ level: Level, _ what: String, advice: String = "") {
    self.level = level
    self.what = what
    self.advice = advice
  }
}
