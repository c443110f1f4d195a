/// What went wrong with a file, a dataset or a checkpoint; each problem has an exit code of sysexits.h.
package enum FileProblem: Hashable, Sendable {
  /// What the user wrote names nothing that can be read, e.g. `synthetic:many`.
  case usage
  /// A file's content is not what it should be: it is cut, damaged or of another format.
  case malformed
  /// A checkpoint is intact, but its tensors are not those that were asked for.
  case different
  /// A file is not there or may not be read.
  case missing
  /// No mirror could be reached, or none had the file.
  case unavailable
  /// A folder or file cannot be created.
  case notCreatable
  /// The system failed while reading or writing, e.g. because the disk is full.
  case inputOutput

  /// The process's exit code for this problem.
  package var exitCode: Int32 {
    switch self {
    case .usage: 64
    case .malformed, .different: 65
    case .missing: 66
    case .unavailable: 69
    case .notCreatable: 73
    case .inputOutput: 74
    }
  }
}

/// Why a file, or what is made of files, could not be read, written or used.
package struct FileError: ReportedError, Hashable, Sendable {
  /// What kind of problem it is.
  package let kind: FileProblem
  /// One sentence: which file, what was expected, what was found, or the system's own words.
  package let description: String

  /// An error of `kind` that says `description`.
  package init(_ kind: FileProblem, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The process's exit code for this error.
  package var exitCode: Int32 { kind.exitCode }
}
