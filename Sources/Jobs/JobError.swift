internal import Files

/// What is wrong with a job, with its hosts' description, or with how they are reached: one sentence and an
/// exit code.
package struct JobError: ReportedError, Hashable, Sendable {
  /// One sentence: what, where, expected, found.
  package let description: String
  /// As in sysexits.h.
  package let exitCode: Int32

  /// An error with a sentence and an exit code.
  package init(_ description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }
}
