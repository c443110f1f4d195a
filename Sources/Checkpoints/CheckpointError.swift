public import Files

/// Why a checkpoint could not be read, written or used.
public struct CheckpointError: ReportedError, Hashable, Sendable {
  /// The kinds of failure, each with an exit code of sysexits.h.
  public enum Kind: Hashable, Sendable {
    /// A file is not there or may not be read.
    case missing
    /// A file is not a whole, unchanged checkpoint of a format that this version reads.
    case damaged
    /// A checkpoint is intact, but its tensors are not those that were asked for.
    case different
    /// A folder or file cannot be created.
    case notCreatable
    /// The system failed while reading or writing, e.g. because the disk is full.
    case inputOutput

    /// The process's exit code for this kind (sysexits.h).
    public var exitCode: Int32 {
      switch self {
      case .damaged, .different: 65
      case .missing: 66
      case .notCreatable: 73
      case .inputOutput: 74
      }
    }
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// One sentence: which file, what was expected, what was found.
  public let description: String

  /// An error of `kind` that says `description`.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The process's exit code for this error.
  public var exitCode: Int32 { kind.exitCode }
}

/// What is wrong with a file's content; whoever knows the file's name makes a `CheckpointError` of it.
struct FormatProblem: Error {
  /// A clause that follows "FILE: ".
  let clause: String

  init(_ clause: String) {
    self.clause = clause
  }

  func error(_ path: String) -> CheckpointError {
    CheckpointError(.damaged, "\(path): \(clause)")
  }
}

/// `text` between quotes, short and on one line whatever a file claims as a name.
func quoted(_ text: String) -> String {
  let shown = text.unicodeScalars.prefix(60).map { $0.value < 32 ? "?" : String($0) }.joined()
  return shown.unicodeScalars.count < text.unicodeScalars.count ? "\"\(shown)…\"" : "\"\(shown)\""
}

/// Runs `body`, whose file errors become checkpoint errors of the same kind.
func translated<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(CheckpointError) -> Value {
  do {
    return try body()
  } catch {
    let kind: CheckpointError.Kind =
      switch error.kind {
      case .missing: .missing
      case .notCreatable: .notCreatable
      case .inputOutput: .inputOutput
      }
    throw CheckpointError(kind, error.description)
  }
}
