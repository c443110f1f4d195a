@preconcurrency import Foundation
import Runs

// C's stream of standard output is a variable to Swift, which nobody here sets.
#if canImport(Glibc)
  @preconcurrency import Glibc
#elseif canImport(Musl)
  @preconcurrency import Musl
#endif

/// What a command says to the person who typed it.
enum Console {
  /// What kept text from standard output, if anything did.
  nonisolated(unsafe) private static var fault: Int32?

  /// Says a sentence on standard error, behind the program's name: an error, or something worth knowing.
  static func notice(_ sentence: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep: \(sentence)\n".utf8))
  }

  /// Writes text to standard output as it is. A reader that went away is no error, and others show at the end.
  static func write(_ text: String) {
    fputs(text, stdout)
    flush()
  }

  /// Hands what was printed to the system.
  static func flush() {
    if fflush(stdout) != 0, fault == nil { fault = errno }
  }

  /// Checks, at the end, that standard output took all that was printed: a full disk must not look like success.
  ///
  /// - Throws: `RunError` with exit code 74. A reader that went away has what it wanted.
  static func requireOutput() throws(RunError) {
    flush()
    guard fault != nil || ferror(stdout) != 0 else { return }
    var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    let isDeserted = poll(&output, 1, 0) > 0 && output.revents & Int16(POLLERR | POLLHUP) != 0
    if isDeserted || fault == EPIPE { return }
    let reason = fault.map { ": " + String(cString: strerror($0)) } ?? ""
    throw RunError("standard output cannot be written\(reason)", exitCode: 74)
  }
}
