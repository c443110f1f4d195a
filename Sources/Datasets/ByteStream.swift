internal import Files

/// The bytes of a file from first to last, decompressed if it is a gzip file (told by its first two bytes).
struct ByteStream: ~Copyable {
  /// The file's path.
  var path: String { file.path }
  /// The number of bytes delivered or skipped so far.
  private(set) var position = 0
  /// The number of bytes in all; nil for a gzip file, where only reading tells.
  let count: Int?
  /// The file's size on disk.
  var storedCount: Int { file.count }

  private let file: ReadableFile
  private var inflater: GzipInflater?
  private var input: [UInt8]
  private var inputStart = 0
  private var inputEnd = 0
  private var fileOffset = 0

  /// Opens the file at `path`.
  init(path: String) throws(FileError) {
    let file = try ReadableFile(path: path)
    let isGzip = try file.startsLikeGzip()
    count = isGzip ? nil : file.count
    input = [UInt8](repeating: 0, count: isGzip ? 1 << 16 : 0)
    inflater = isGzip ? GzipInflater() : nil
    self.file = file
  }

  /// Reads until `buffer` is full or the file ends; returns how many bytes it read.
  ///
  /// - Throws: kind `malformed` if a gzip file is damaged or ends too soon.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    guard inflater != nil else {
      let got = try file.read(into: buffer, at: position)
      position += got
      return got
    }
    var filled = 0
    while filled < buffer.count, try refill() {
      filled += try inflate(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
    }
    position += filled
    return filled
  }

  /// Leaves out the next `distance` bytes; in a plain file without reading them. Less if the file ends.
  mutating func skip(_ distance: Int) throws(FileError) {
    if let count {
      position += min(distance, count - position)
      return
    }
    var left = distance
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { scratch.deallocate() }
    while left > 0 {
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(left, 1 << 16)]))
      if got == 0 { return }
      left -= got
    }
  }

  /// Whether nothing follows; for a gzip file this also checks the last CRC.
  mutating func isAtEnd() throws(FileError) -> Bool {
    if let count { return position >= count }
    let next = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { next.deallocate() }
    return try read(into: next) == 0
  }

  /// Makes compressed input available; false at a proper end of the file.
  private mutating func refill() throws(FileError) -> Bool {
    if inputStart < inputEnd { return true }
    let offset = fileOffset
    let got = try input.withUnsafeMutableBufferPointer { bytes throws(FileError) in
      try file.read(into: UnsafeMutableRawBufferPointer(bytes), at: offset)
    }
    fileOffset += got
    inputStart = 0
    inputEnd = got
    if got > 0 { return true }
    if inflater?.isComplete == true { return false }
    throw FileError(
      .malformed,
      "\(path): expected a complete gzip file, found that it ends after \(grouped(fileOffset)) bytes "
        + "in the middle of its data")
  }

  private mutating func inflate(into output: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    let pending = inputStart..<inputEnd
    let name = file.path
    // Taken out and put back, since a move-only optional cannot be mutated while `input` is borrowed.
    guard var current = inflater.take() else { return 0 }
    let progress = try input.withUnsafeBufferPointer { bytes throws(FileError) in
      try current.inflate(
        UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[pending])), into: output, file: name)
    }
    inflater = consume current
    inputStart += progress.consumed
    return progress.produced
  }
}
