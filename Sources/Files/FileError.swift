/// Why a file or folder could not be read or written.
public struct FileError: ReportedError, Hashable, Sendable {
  /// The kinds of failure, each with an exit code of sysexits.h.
  public enum Kind: Hashable, Sendable {
    /// A file is not there or may not be read.
    case missing
    /// A folder or file cannot be created.
    case notCreatable
    /// The system failed while reading or writing, e.g. on a full disk.
    case inputOutput

    /// The process's exit code for this kind.
    public var exitCode: Int32 {
      switch self {
      case .missing: 66
      case .notCreatable: 73
      case .inputOutput: 74
      }
    }
  }

  public let kind: Kind
  /// One sentence: which file, what failed, the system's own words.
  public let description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The process's exit code for this error.
  public var exitCode: Int32 { kind.exitCode }
}
