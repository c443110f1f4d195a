#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A regular file open for reading; closed at the end of its life.
struct ReadableFile: ~Copyable {
  /// The path it was opened by.
  let path: String
  /// The number of bytes in it when it was opened.
  let count: Int
  private let descriptor: Int32

  /// Opens the file at `path`.
  ///
  /// - Throws: kind `missing` if there is none, it is no regular file or may not be read.
  init(path: String) throws(CheckpointError) {
    // Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw CheckpointError(.missing, "\(path): cannot be read: \(systemMessage(errno))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CheckpointError(.missing, "\(path): expected a file, found a folder or device")
    }
    self.path = path
    self.count = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// The bytes of `range`; fewer where the file has been cut in the meantime.
  ///
  /// - Throws: kind `inputOutput`.
  func read(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      let buffer = UnsafeMutableRawBufferPointer(buffer)
      while filled < range.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<range.count])
        let got = pread(descriptor, rest.baseAddress, rest.count, off_t(range.lowerBound + filled))
        if got == 0 { break }
        if got > 0 {
          filled += got
        } else if errno != EINTR {
          code = errno
          break
        }
      }
    }
    guard code == 0 else {
      throw CheckpointError(.inputOutput, "\(path): cannot be read: \(systemMessage(code))")
    }
    return bytes
  }
}

/// The system's words for an error number, e.g. `No such file or directory`.
func systemMessage(_ code: Int32) -> String {
  String(cString: strerror(code))
}
