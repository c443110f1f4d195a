internal import SystemPackage

/// A file that begins as a whole, in place of the one that had its name, and grows from then on.
///
/// Whoever has the file before it open keeps that one: nothing is written into a file that somebody else made.
package final class GrowingFile {
  /// Its path.
  package let path: String
  private let descriptor: FileDescriptor
  /// How many bytes it has.
  private var count: Int

  /// Gives `path` the content `bytes`, on the disk too.
  ///
  /// - Throws: kinds `notCreatable` and `inputOutput`.
  package convenience init(path: String, startingWith bytes: [UInt8]) throws(FileError) {
    try self.init(try PendingFile(path: path), startingWith: bytes)
  }

  /// Gives a pending file its first bytes and its name.
  ///
  /// - Throws: kind `inputOutput`.
  package init(_ file: PendingFile, startingWith bytes: [UInt8]) throws(FileError) {
    try file.append(bytes)
    path = file.path
    descriptor = try file.commitKeepingOpen()
    count = bytes.count
  }

  deinit {
    try? descriptor.close()
  }

  /// Writes `bytes` at the end, in place of the last `overwriting` bytes, in one go: who reads finds the old end or
  /// the new one, if not a part of that.
  ///
  /// - Throws: kind `inputOutput`, e.g. when the disk is full.
  package func append(_ bytes: [UInt8], overwriting: Int = 0) throws(FileError) {
    precondition(overwriting <= count, "the file has \(count) bytes")
    do {
      let start = count - overwriting
      try descriptor.writeAll(toAbsoluteOffset: Int64(start), bytes)
      count = start + bytes.count
    } catch {
      throw FileError(.inputOutput, "\(path): cannot be written: \(error)")
    }
  }

  /// Waits until what was written is on the disk.
  ///
  /// - Throws: kind `inputOutput`.
  package func synchronize() throws(FileError) {
    do { try descriptor.synchronize() } catch {
      // Pipes and the like have no disk.
      if error == .invalidArgument { return }
      throw FileError(.inputOutput, "\(path): cannot be written: \(error)")
    }
  }
}
