internal import Files

/// What is wrong with a file's content; whoever knows the file's name makes a `FileError` of it.
struct FormatProblem: Error {
  /// A clause that follows "FILE: ".
  let clause: String

  init(_ clause: String) {
    self.clause = clause
  }

  /// The error that says so of the file at `path`.
  func named(_ path: String) -> FileError {
    FileError(.malformed, "\(path): \(clause)")
  }
}

/// `text` between quotes, short and on one line whatever a file claims as a name.
func quoted(_ text: String) -> String {
  let shown = text.unicodeScalars.prefix(60).map { $0.value < 32 ? "?" : String($0) }.joined()
  return shown.unicodeScalars.count < text.unicodeScalars.count ? "\"\(shown)…\"" : "\"\(shown)\""
}
