internal import Digests
internal import Files

/// Compares decompressed bytes, as they come in, with what a published file should hold.
struct ContentCheck: ~Copyable {
  private let file: PublishedFile
  private let origin: String
  private var hasher = SHA256Hasher()
  private var count = 0

  /// Expects the content of `file`; `origin` says in errors where the bytes come from.
  init(_ file: PublishedFile, _ origin: String) {
    self.file = file
    self.origin = origin
  }

  /// Takes the next bytes; gives up as soon as there are too many.
  mutating func take(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    count += bytes.count
    guard count <= file.count else { throw wrongLength("more") }
    hasher.update(bytes)
  }

  /// Checks length and digest of all that came in.
  consuming func finish() throws(FileError) {
    guard count == file.count else { throw wrongLength(grouped(count)) }
    let found = hasher.finish().description
    guard found == file.digest else {
      throw FileError(
        .malformed, "\(origin): expected content with SHA-256 \(file.digest), found \(found)")
    }
  }

  private borrowing func wrongLength(_ found: String) -> FileError {
    FileError(
      .malformed, "\(origin): expected \(grouped(file.count)) decompressed bytes, found \(found)")
  }
}
