internal import Files

/// Why a run ended without a model: one sentence and the process's exit code (sysexits.h).
package struct RunError: ReportedError, Hashable, Sendable {
  /// One sentence: what, where, expected, found.
  package let description: String
  package let exitCode: Int32
  /// Whether all ranks threw this same error together, so that only the root needs to speak.
  package var isShared = false

  package init(_ description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }

  /// What any error of the parts below means for a run.
  package init(_ error: any Error) {
    switch error {
    case let error as RunError: self = error
    case let error as any ReportedError: self.init(error.description, exitCode: error.exitCode)
    default: self.init("\(error)", exitCode: 70)
    }
  }

  /// An error that all ranks throw together.
  package static func shared(_ description: String, exitCode: Int32) -> RunError {
    var error = RunError(description, exitCode: exitCode)
    error.isShared = true
    return error
  }
}
