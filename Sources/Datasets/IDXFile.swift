package import Files
internal import SystemPackage

/// An IDX file of unsigned bytes, plain or gzip-compressed: the format of MNIST and its family
/// (LeCun, Cortes, Burges, "The MNIST database of handwritten digits").
///
/// Big-endian header: two zero bytes, the element type (8: unsigned byte), the number of dimensions, then
/// each dimension in 32 bits; then the elements, last dimension fastest. The first dimension counts samples.
package struct IDXFile: Hashable, Sendable {
  /// The file's path.
  package let path: String
  /// The dimensions; the first one counts samples.
  package let dimensions: [Int]
  /// Bytes of one sample: the product of all dimensions but the first.
  package let sampleBytes: Int
  /// Whether a range can be read without reading what precedes it: true for plain files.
  package let hasRandomAccess: Bool

  private var headerBytes: Int { 4 + 4 * dimensions.count }

  /// The number of samples.
  package var count: Int { dimensions[0] }

  /// Reads the header of the file at `path` and checks it; of a plain file also the length.
  ///
  /// `dimensionCount` is the number of dimensions it must have: 3 for images, 1 for labels.
  ///
  /// - Throws: `missing` if it cannot be opened, `malformed` if the header or the length is wrong.
  package init(path: String, dimensionCount rank: Int) throws(FileError) {
    var stream = try ByteStream(path: path)
    self = try IDXFile(header: &stream, dimensionCount: rank)
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

  /// Reads the header at the beginning of `stream`.
  fileprivate init(header stream: inout ByteStream, dimensionCount rank: Int) throws(FileError) {
    let path = stream.path
    var header = [UInt8](repeating: 0, count: 4 + 4 * rank)
    let got = try header.withUnsafeMutableBufferPointer { bytes throws(FileError) in
      try stream.read(into: UnsafeMutableRawBufferPointer(bytes))
    }
    let word = { (at: Int) in header[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
    let expected = UInt32(0x800 + rank)
    if got >= 4, word(0) != expected {
      throw FileError(
        .malformed,
        "\(path): expected the IDX magic number \(hexadecimal(expected)) (unsigned bytes in \(rank) "
          + "dimension\(rank == 1 ? "" : "s")), found \(hexadecimal(word(0)))")
    }
    guard got == header.count else {
      throw FileError(
        .malformed, "\(path): expected an IDX header of \(header.count) bytes, found only \(got) bytes")
    }
    dimensions = (1...rank).map { Int(word(4 * $0)) }
    self.path = path
    hasRandomAccess = stream.count != nil

    var product = 1
    var overflow = false
    for dimension in dimensions.dropFirst() {
      let (value, over) = product.multipliedReportingOverflow(by: dimension)
      product = value
      overflow = overflow || over
    }
    let (elements, over) = product.multipliedReportingOverflow(by: dimensions[0])
    guard !overflow, !over, elements > 0, elements < 1 << 50 else {
      let text = dimensions.map { String($0) }.joined(separator: " × ")
      throw FileError(.malformed, "\(path): expected plausible dimensions, found \(text)")
    }
    sampleBytes = product
    if let count = stream.count {
      guard count == headerBytes + elements else { throw wrongLength(count) }
    } else if elements / 1032 > stream.storedCount {
      // Deflate shrinks data at most 1032 times (zlib's technical notes), so this cannot be.
      throw FileError(
        .malformed,
        "\(path): expected at least \(grouped(elements / 1032)) compressed bytes for the "
          + "\(grouped(elements)) that the header announces, found \(grouped(stream.storedCount))")
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
    guard try IDXFile(header: &stream, dimensionCount: file.dimensions.count) == file else {
      throw FileError(.malformed, "\(file.path): expected the header read before, found another one")
    }
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

private func hexadecimal(_ word: UInt32) -> String {
  let digits = String(word, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
