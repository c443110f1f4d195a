internal import Files

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
  init(path: String) throws(DatasetError) {
    // Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw DatasetError(.missing, "\(path): cannot be read: \(systemMessage(errno))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw DatasetError(.missing, "\(path): expected a file, found a folder or device")
    }
    self.path = path
    self.count = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Reads from byte `offset` on until `buffer` is full or the file ends; returns how many bytes it read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatasetError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw DatasetError(.inputOutput, "\(path): cannot be read: \(systemMessage(errno))")
      }
      filled += got
    }
    return filled
  }

  /// Whether the first two bytes are those of a gzip file.
  func startsLikeGzip() throws(DatasetError) -> Bool {
    let start = UnsafeMutableRawBufferPointer.allocate(byteCount: 2, alignment: 1)
    defer { start.deallocate() }
    return try read(into: start, at: 0) == 2 && GzipInflater.recognises(UnsafeRawBufferPointer(start))
  }
}
