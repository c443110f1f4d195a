internal import Files
internal import Foundation

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
    case is DecodingError: self.init("a file has not the form that was expected", exitCode: 65)
    default: self = Self.foundationError(error as NSError) ?? RunError("\(error)", exitCode: 70)
    }
  }

  /// What an error of Foundation's says, in the system's words instead of its own; nil for errors of others.
  private static func foundationError(_ error: NSError) -> RunError? {
    guard [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain) else { return nil }
    let path = error.userInfo[NSFilePathErrorKey] as? String ?? (error.userInfo[NSURLErrorKey] as? URL)?.path
    let cause = error.domain == NSPOSIXErrorDomain ? error : error.userInfo[NSUnderlyingErrorKey] as? NSError
    let isMissing = [NSFileNoSuchFileError, NSFileReadNoSuchFileError].contains(error.code)
    var (words, exitCode): (String, Int32) = ("cannot be read or written", 74)
    if let cause, cause.domain == NSPOSIXErrorDomain {
      words += ": " + String(cString: strerror(Int32(cause.code)))
      if cause.code == Int(ENOENT) { exitCode = 66 }
      if [Int(EACCES), Int(EROFS), Int(EEXIST), Int(ENOTDIR)].contains(cause.code) { exitCode = 73 }
    } else if error.domain == NSCocoaErrorDomain, isMissing {
      (words, exitCode) = ("cannot be read: there is no such file", 66)
    }
    return RunError("\(path ?? "a file") \(words)", exitCode: exitCode)
  }

  /// An error that all ranks throw together.
  package static func shared(_ description: String, exitCode: Int32) -> RunError {
    var error = RunError(description, exitCode: exitCode)
    error.isShared = true
    return error
  }
}
