package import Files
internal import SystemPackage

/// An IDX file of whole numbers, plain or gzip-compressed: the format of MNIST and its family
/// (LeCun, Cortes, Burges, "The MNIST database of handwritten digits").
///
/// Big-endian header: two zero bytes, the element type (8: unsigned byte; 9: signed byte; 11, 12: 16 and 32 bits), the
/// number of dimensions, then each dimension in 32 bits; then the elements, last dimension fastest. The first dimension
/// counts samples.
package struct IDXFile: Hashable, Sendable {
  /// The file's path.
  package let path: String
  /// The dimensions; the first one counts samples.
  package let dimensions: [Int]
  /// Bytes of one sample: of as many elements as the product of all dimensions but the first.
  package let sampleBytes: Int
  private let magic: UInt32
  /// Whether a range can be read without reading what precedes it: true for plain files.
  package let hasRandomAccess: Bool

  private var headerBytes: Int { 4 + 4 * dimensions.count }

  /// Bytes of an element.
  var elementBytes: Int { IDXContent.elementBytes(magic) }
  /// Whether elements have a sign.
  var isSigned: Bool { magic >> 8 != 0x08 }

  /// The number of samples.
  package var count: Int { dimensions[0] }

  /// Reads the header of a file of unsigned bytes at `path` and checks it; of a plain file also the length.
  ///
  /// `dimensionCount` is the number of dimensions it must have, e.g. 3 for images.
  ///
  /// - Throws: `missing` if it cannot be opened, `malformed` if the header or the length is wrong.
  package init(path: String, dimensionCount rank: Int) throws(FileError) {
    try self.init(path: path, .bytes(dimensionCount: rank))
  }

  /// Reads and checks the header of a file that must hold `content`.
  init(path: String, _ content: IDXContent) throws(FileError) {
    var stream = try ByteStream(path: path)
    self = try IDXFile(header: &stream, content)
  }

  /// The file `name` or `name.gz` in `folder`, whichever is there; the plain one if both are.
  package static func locate(_ name: String, in folder: String) -> String? {
    let folder = FilePath(folder)
    return [name, name + ".gz"].map { folder.appending($0) }.first { $0.isFile }?.string
  }

  /// Reads the samples of `range`: `range.count` times `sampleBytes` bytes.
  ///
  /// Of a plain file only that part is read; of a gzip file what precedes it is decompressed and dropped.
  /// Reading up to the last sample also verifies that the file ends there, and its checksum.
  ///
  /// - Throws: `malformed` if the file ends too soon or too late, is damaged, or is another one than was
  ///   opened.
  package func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "no samples \(range) of \(count)")
    if range.isEmpty { return [] }
    var reader = try IDXReader(self, from: range.lowerBound)
    return try reader.next(range.count)
  }

  /// Reads the header at the beginning of `stream`, and says of a file that is opened again that it is another one.
  fileprivate init(header stream: inout ByteStream, again file: IDXFile) throws(FileError) {
    let content = IDXContent(magics: [file.magic], expectation: "the header read before")
    guard try IDXFile(header: &stream, content) == file else {
      throw FileError(.malformed, "\(file.path): expected the header read before, found another one")
    }
    self = file
  }

  /// Reads the header at the beginning of `stream`.
  private init(header stream: inout ByteStream, _ content: IDXContent) throws(FileError) {
    let path = stream.path
    var rank = content.magics.map { Int($0 & 0xFF) }.min() ?? 1
    var header: [UInt8] = []
    var got = try Self.extend(&header, to: 4 + 4 * rank, from: &stream)
    let word = { (header: [UInt8], at: Int) in header[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
    magic = got >= 4 ? word(header, 0) : content.magics[0]
    guard content.magics.contains(magic) else {
      throw FileError(.malformed, "\(path): expected \(content.expectation), found \(hexadecimal(magic))")
    }
    if got == header.count, Int(magic & 0xFF) > rank {
      rank = Int(magic & 0xFF)
      got += try Self.extend(&header, to: 4 + 4 * rank, from: &stream)
    }
    guard got == header.count else {
      throw FileError(
        .malformed, "\(path): expected an IDX header of \(header.count) bytes, found only \(got) bytes")
    }
    dimensions = (1...rank).map { Int(word(header, 4 * $0)) }
    self.path = path
    hasRandomAccess = stream.count != nil

    var product = IDXContent.elementBytes(magic)
    var overflow = false
    for dimension in dimensions.dropFirst() {
      let (value, over) = product.multipliedReportingOverflow(by: dimension)
      product = value
      overflow = overflow || over
    }
    let (bytes, over) = product.multipliedReportingOverflow(by: dimensions[0])
    guard !overflow, !over, bytes > 0, bytes < 1 << 50 else {
      let text = dimensions.map { String($0) }.joined(separator: " × ")
      throw FileError(.malformed, "\(path): expected plausible dimensions, found \(text)")
    }
    sampleBytes = product
    if let count = stream.count {
      guard count == headerBytes + bytes else { throw wrongLength(count) }
    } else if bytes / 1032 > stream.storedCount {
      // Deflate shrinks data at most 1032 times (zlib's technical notes), so this cannot be.
      throw FileError(
        .malformed,
        "\(path): expected at least \(grouped(bytes / 1032)) compressed bytes for the "
          + "\(grouped(bytes)) that the header announces, found \(grouped(stream.storedCount))")
    }
  }

  /// Reads on until `header` has `count` bytes or the stream ends; returns the bytes that there were.
  private static func extend(
    _ header: inout [UInt8], to count: Int, from stream: inout ByteStream
  ) throws(FileError) -> Int {
    let start = header.count
    header += [UInt8](repeating: 0, count: count - start)
    return try header.withUnsafeMutableBufferPointer { bytes throws(FileError) in
      try stream.read(
        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[start...])))
    }
  }

  /// An error that says which length this file should have.
  fileprivate func wrongLength(_ found: Int?) -> FileError {
    let shape = dimensions.map { String($0) }.joined(separator: " × ")
    let expected = headerBytes + count * sampleBytes
    let unit = hasRandomAccess ? "bytes" : "decompressed bytes"
    return FileError(
      .malformed,
      "\(path): expected \(grouped(expected)) \(unit) for \(shape) samples and the header, found "
        + (found.map { grouped($0) } ?? "more"))
  }
}

/// Reads the samples of an IDX file one after the other; the file stays open in between.
struct IDXReader: ~Copyable {
  private let file: IDXFile
  private var stream: ByteStream
  /// The first sample that has not been read yet.
  private var position: Int

  /// Opens `file` and goes to sample `position`: in a gzip file by decompressing what precedes it.
  init(_ file: IDXFile, from position: Int = 0) throws(FileError) {
    var stream = try ByteStream(path: file.path)
    _ = try IDXFile(header: &stream, again: file)
    try stream.skip(position * file.sampleBytes)
    self.file = file
    self.stream = stream
    self.position = position
  }

  /// The bytes of the next `count` samples; with the last sample also checks that the file ends there.
  mutating func next(_ count: Int) throws(FileError) -> [UInt8] {
    let total = count * file.sampleBytes
    var bytes: [UInt8] = []
    // Piece by piece, so that a header that lies about a gzip file's content allocates no more than there is.
    while bytes.count < total {
      let start = bytes.count
      let piece = min(total - start, max(1 << 24, start))
      bytes.append(contentsOf: repeatElement(0, count: piece))
      let got = try bytes.withUnsafeMutableBufferPointer { all throws(FileError) in
        try stream.read(
          into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: all[start...])))
      }
      guard got == piece else { throw file.wrongLength(stream.position) }
    }
    position += count
    if position == file.count {
      guard try stream.isAtEnd() else { throw file.wrongLength(nil) }
    }
    return bytes
  }
}
