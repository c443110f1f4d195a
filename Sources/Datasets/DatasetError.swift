public import Files

/// Why a dataset could not be read, found, generated or fetched.
public struct DatasetError: ReportedError, Hashable, Sendable {
  /// The kinds of failure, each with an exit code of sysexits.h.
  public enum Kind: Hashable, Sendable {
    /// What the user wrote makes no sense, e.g. `synthetic:many`.
    case usage
    /// A file's content is not what it should be.
    case malformed
    /// A file is not there or may not be read.
    case missing
    /// No mirror could be reached, or none had the file.
    case unavailable
    /// A folder or file cannot be created.
    case notCreatable
    /// The system failed while reading or writing.
    case inputOutput

    /// The process's exit code for this kind (sysexits.h).
    public var exitCode: Int32 {
      switch self {
      case .usage: 64
      case .malformed: 65
      case .missing: 66
      case .unavailable: 69
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

/// A count with thousands separated by commas, as in `60,000`.
func grouped(_ count: some BinaryInteger) -> String {
  var text = String(count)
  var end = text.endIndex
  while let comma = text.index(end, offsetBy: -3, limitedBy: text.startIndex), comma > text.startIndex,
    text[text.index(before: comma)].isNumber
  {
    text.insert(",", at: comma)
    end = comma
  }
  return text
}

/// Runs `body`, whose file errors become dataset errors of the same kind.
func translated<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(DatasetError) -> Value {
  do {
    return try body()
  } catch {
    let kind: DatasetError.Kind =
      switch error.kind {
      case .missing: .missing
      case .notCreatable: .notCreatable
      case .inputOutput: .inputOutput
      }
    throw DatasetError(kind, error.description)
  }
}
