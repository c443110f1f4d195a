internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A regular file open for reading; closed at the end of its life.
package struct ReadableFile: ~Copyable {
  /// The path it was opened by.
  package let path: String
  /// The number of bytes in it when it was opened.
  package let count: Int
  /// Tells this file from others that have its path at other times.
  package let identity: Identity
  private let descriptor: FileDescriptor

  /// What the system knows a file by as long as it exists.
  package struct Identity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
  }

  /// Opens the file at `path`.
  ///
  /// - Throws: kind `missing` if there is none, it is no regular file or may not be read.
  package init(path: String) throws(FileError) {
    let descriptor: FileDescriptor
    do {
      // Without `.nonBlocking`, opening a named pipe would wait for somebody to write into it.
      descriptor = try .open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      throw FileError(.missing, "\(path): cannot be read: \(error)")
    }
    guard let status = try? descriptor.stat(), status.type == .regular else {
      try? descriptor.close()
      throw FileError(.missing, "\(path): expected a file, found a folder or device")
    }
    self.path = path
    self.count = Int(status.size)
    identity = Identity(
      device: UInt64(truncatingIfNeeded: status.rawValue.st_dev),
      inode: UInt64(truncatingIfNeeded: status.rawValue.st_ino))
    self.descriptor = descriptor
  }

  deinit {
    try? descriptor.close()
  }

  /// Reads from byte `offset` on until `buffer` is full or the file ends; returns how many bytes it read.
  ///
  /// - Throws: kind `inputOutput`.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      do {
        let got = try descriptor.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
        if got == 0 { break }
        filled += got
      } catch {
        throw FileError(.inputOutput, "\(path): cannot be read: \(error)")
      }
    }
    return filled
  }

  /// The bytes of `range`; fewer where the file has been cut in the meantime.
  ///
  /// - Throws: kind `inputOutput`.
  package func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    try [UInt8](capacity: range.count) { bytes throws(FileError) in
      try bytes.withUnsafeMutableBufferPointer { buffer, filled throws(FileError) in
        filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
      }
    }
  }
}

/// All bytes of a file.
///
/// - Throws: kinds `missing` and `inputOutput`.
package func readFile(_ path: String) throws(FileError) -> [UInt8] {
  let file = try ReadableFile(path: path)
  return try file.read(0..<file.count)
}
