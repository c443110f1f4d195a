internal import CHDF5
internal import Files
internal import Foundation

/// A file in the HDF5 format, such as Keras keeps weights in, read by libhdf5.
final class HDF5File {
  private let file: OpaquePointer
  private let byteCount: Int
  /// What errors call it.
  private let path: String

  /// Opens a file's bytes.
  ///
  /// - Throws: kind `malformed` if they are no such file, `unavailable` where libhdf5 is not installed, `inputOutput` without
  ///   memory.
  init(_ bytes: [UInt8], path: String) throws(FileError) {
    self.path = path
    byteCount = bytes.count
    var opened: OpaquePointer?
    let outcome = chdf5_open(bytes, bytes.count, &opened)
    guard outcome == CHDF5_DONE, let opened else { throw Self.problem(outcome, path, "the file") }
    file = opened
  }

  deinit { chdf5_close(file) }

  /// The tensor at `name`; nil if there is none.
  ///
  /// - Throws: kind `malformed` if it is damaged or has no floating-point numbers.
  func tensor(_ name: String) throws(FileError) -> ForeignTensor? {
    var rank: Int32 = 0
    var extents = [Int64](repeating: 0, count: Int(CHDF5_RANKS))
    var outcome = chdf5_shape(file, name, &rank, &extents)
    if outcome == CHDF5_MISSING { return nil }
    guard outcome == CHDF5_DONE else { throw Self.problem(outcome, path, name) }
    let shape = extents.prefix(Int(rank)).map { Int($0) }
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      // A few bytes may announce more numbers than any machine holds. Weights hardly get smaller by compression.
      guard !overflow, product <= byteCount else {
        throw FileError(
          .malformed, "\(path): \(name) has the shape \(shape), more than a file of \(byteCount) bytes holds")
      }
      count = product
    }
    var values = [Float](repeating: 0, count: count)
    outcome = chdf5_floats(file, name, &values, count)
    guard outcome == CHDF5_DONE else { throw Self.problem(outcome, path, name) }
    return ForeignTensor(name: name, shape: shape, values: values)
  }

  /// The texts of an attribute of the group at `group`, `/` being the file itself; nil if there is none.
  ///
  /// - Throws: kind `malformed` if it is damaged or no text.
  func texts(_ attribute: String, of group: String = "/") throws(FileError) -> [String]? {
    var joined: UnsafeMutablePointer<CChar>?
    var count = 0
    let outcome = chdf5_texts(file, group, attribute, &joined, &count)
    if outcome == CHDF5_MISSING { return nil }
    guard outcome == CHDF5_DONE, var text = joined else {
      throw Self.problem(outcome, path, "the attribute '\(attribute)'")
    }
    defer { free(joined) }
    return (0..<count).map { _ in
      defer { text += strlen(text) + 1 }
      return String(cString: text)
    }
  }

  private static func problem(_ outcome: chdf5_outcome, _ path: String, _ what: String) -> FileError {
    switch outcome {
    case CHDF5_NO_LIBRARY:
      FileError(
        .unavailable,
        "\(path): models of Keras's are read by libhdf5, which is not installed (Debian: libhdf5-dev)")
    case CHDF5_NO_MEMORY: FileError(.inputOutput, "\(path): there is no memory for \(what)")
    default:
      FileError(.malformed, "\(path): expected HDF5 as Keras writes it, and \(what) is damaged or no such")
    }
  }
}
