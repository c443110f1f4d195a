#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A regular file open for reading; closed at the end of its life.
public struct ReadableFile: ~Copyable {
  /// The path it was opened by.
  public let path: String
  /// The number of bytes in it when it was opened.
  public let count: Int
  private let descriptor: Int32

  /// Opens the file at `path`.
  ///
  /// - Throws: kind `missing` if there is none, it is no regular file or may not be read.
  public init(path: String) throws(FileError) {
    // Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw FileError(.missing, "\(path): cannot be read: \(systemMessage(errno))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(.missing, "\(path): expected a file, found a folder or device")
    }
    self.path = path
    self.count = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Reads from byte `offset` on until `buffer` is full or the file ends; returns how many bytes it read.
  ///
  /// - Throws: kind `inputOutput`.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw FileError(.inputOutput, "\(path): cannot be read: \(systemMessage(errno))")
      }
      filled += got
    }
    return filled
  }

  /// The bytes of `range`; fewer where the file has been cut in the meantime.
  ///
  /// - Throws: kind `inputOutput`.
  public func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      do throws(FileError) {
        filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
