internal import CZlib
internal import Files

/// Decompresses gzip data (RFC 1952), several members in a row included, by zlib; checks every CRC. Zeros behind the last
/// member, with which tapes and some downloads fill up, are left out, as gzip does.
struct GzipInflater: ~Copyable {
  /// What one call achieved.
  struct Progress {
    /// Bytes taken from the input.
    var consumed = 0
    /// Bytes written to the output.
    var produced = 0
  }

  /// Whether the input so far ends with a complete member.
  private(set) var isComplete = false
  // On the heap, since zlib refuses a stream whose address has changed.
  private let stream: UnsafeMutablePointer<z_stream>

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let gzipOnly: Int32 = 16 + MAX_WBITS
    let code = inflateInit2_(stream, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib refuses to start: code \(code)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Whether `bytes` begin like gzip data.
  static func recognises(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// Decompresses until `input` is used up or `output` is full.
  ///
  /// `file` is what the data is called in an error.
  ///
  /// - Throws: kind `malformed` if this is not gzip data or a checksum is wrong.
  mutating func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, file: String
  ) throws(FileError) -> Progress {
    var progress = Progress()
    while progress.consumed < input.count && progress.produced < output.count {
      if isComplete {
        while progress.consumed < input.count, input[progress.consumed] == 0 { progress.consumed += 1 }
        guard progress.consumed < input.count else { break }
        inflateReset(stream)
        isComplete = false
      }
      // zlib counts in 32 bits; its input pointer is mutable only in the declaration.
      let inputCount = min(input.count - progress.consumed, 1 << 30)
      let outputCount = min(output.count - progress.produced, 1 << 30)
      let source = input.baseAddress?.advanced(by: progress.consumed)
      let target = output.baseAddress?.advanced(by: progress.produced)
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: source?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(inputCount)
      stream.pointee.next_out = target?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(outputCount)
      let code = CZlib.inflate(stream, Z_NO_FLUSH)
      let consumed = inputCount - Int(stream.pointee.avail_in)
      let produced = outputCount - Int(stream.pointee.avail_out)
      progress.consumed += consumed
      progress.produced += produced
      switch code {
      case Z_STREAM_END:
        isComplete = true
      case Z_OK where consumed + produced > 0:
        continue
      default:
        let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib code \(code)"
        throw FileError(.malformed, "\(file): expected intact gzip data, found damage: \(reason)")
      }
    }
    return progress
  }
}
