internal import Files
internal import Photographs

/// Why a reader cannot be opened, or a photograph cannot be read.
public struct DigitReaderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong.
  public enum Kind: Hashable, Sendable {
    /// A file is not there or may not be read.
    case missing
    /// A model is damaged, or none that reads digits.
    case unusableModel
    /// The bytes are no picture of a kind that is read.
    case unknownPicture
    /// A picture cannot be decoded.
    case damagedPicture
    /// A picture has more than 200 megapixels.
    case tooLarge
    /// The system has no memory for it, or failed.
    case system
  }

  /// What went wrong.
  public let kind: Kind
  /// One sentence: what, where, expected, found.
  public let description: String
}

extension DigitReaderError {
  init(_ error: PictureError) {
    let kind: Kind =
      switch error.kind {
      case .unknown, .unsupported: .unknownPicture
      case .damaged: .damagedPicture
      case .tooLarge: .tooLarge
      case .noMemory: .system
      }
    self.init(kind: kind, description: error.description)
  }

  /// An error of the rooms below; `kind` is meant where they say no more than that the content is wrong.
  init(_ error: any Error, otherwise kind: Kind) {
    guard let error = error as? any ReportedError else {
      self.init(kind: kind, description: "\(error)")
      return
    }
    let kinds: [Int32: Kind] = [
      FileProblem.missing.exitCode: .missing, FileProblem.inputOutput.exitCode: .system,
    ]
    self.init(kind: kinds[error.exitCode] ?? kind, description: error.description)
  }
}
