package import Files

/// Decompresses what a mirror sends. Some servers (or proxies) keep a `.gz` file as a plain file in gzip
/// encoding, and send it decompressed to those that do not ask for it: so the first two bytes decide.
package struct DownloadDecoder: ~Copyable {
  private let origin: String
  private var inflater: GzipInflater?
  private var isPlain = false
  private var start: [UInt8] = []
  private var output = [UInt8](repeating: 0, count: 1 << 18)

  /// A decoder for what comes from `origin`, which is only what it is called in an error.
  package init(origin: String) {
    self.origin = origin
  }

  /// Decodes the next bytes and passes them on, a piece at a time.
  ///
  /// - Throws: kind `malformed` if what began as gzip data is damaged, and what `deliver` throws.
  package mutating func decode(
    _ bytes: UnsafeRawBufferPointer,
    _ deliver: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    if !isPlain, inflater == nil {
      start.append(contentsOf: bytes)
      if start.count >= 2 { try begin(deliver) }
    } else {
      try pass(bytes, deliver)
    }
  }

  /// Checks that the data is complete, and passes on what was held back.
  ///
  /// - Throws: kind `malformed` if gzip data ends too soon, and what `deliver` throws.
  package mutating func finish(
    _ deliver: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    if !isPlain, inflater == nil { try begin(deliver) }
    guard isPlain || inflater?.isComplete == true else {
      throw FileError(
        .malformed, "\(origin): expected a complete gzip file, found that it ends in the middle of its data")
    }
  }

  private mutating func begin(
    _ deliver: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    let held = start
    isPlain = !held.withUnsafeBytes { GzipInflater.recognises($0) }
    if !isPlain { inflater = GzipInflater() }
    start = []
    try held.withUnsafeBufferPointer { bytes throws(FileError) in
      try pass(UnsafeRawBufferPointer(bytes), deliver)
    }
  }

  private mutating func pass(
    _ bytes: UnsafeRawBufferPointer,
    _ deliver: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    guard var current = inflater.take() else { return try deliver(bytes) }
    var rest = bytes
    let origin = origin
    while !rest.isEmpty {
      let progress = try output.withUnsafeMutableBufferPointer { buffer throws(FileError) in
        let target = UnsafeMutableRawBufferPointer(buffer)
        let progress = try current.inflate(rest, into: target, file: origin)
        try deliver(UnsafeRawBufferPointer(rebasing: target[..<progress.produced]))
        return progress
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[progress.consumed...])
    }
    inflater = consume current
  }
}
