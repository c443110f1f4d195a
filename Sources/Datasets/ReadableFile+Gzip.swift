internal import Files

extension ReadableFile {
  /// Whether the first two bytes are those of a gzip file.
  func startsLikeGzip() throws(FileError) -> Bool {
    let start = UnsafeMutableRawBufferPointer.allocate(byteCount: 2, alignment: 1)
    defer { start.deallocate() }
    return try read(into: start, at: 0) == 2
      && GzipInflater.recognises(UnsafeRawBufferPointer(start))
  }
}
