/// The header of a safetensors file: 8 bytes of length, little-endian, then that many bytes of JSON, then
/// the data (https://github.com/huggingface/safetensors, section "Format").
struct SafeTensorsHeader {
  /// The bytes before the JSON.
  static let prefixByteCount = 8
  /// The longest JSON that is read, the same as in the `safetensors` package.
  static let maximumByteCount = 100_000_000
  /// The key of the text in the JSON; every other key is a tensor's name.
  static let metadataKey = "__metadata__"
  /// The metadata key of the format's name.
  static let formatKey = "format"
  /// The metadata key of the content digest.
  static let digestKey = "digest"

  /// The tensors in the order of their data.
  let tensors: [TensorDescription]
  /// The text, `format` and `digest` included.
  let metadata: [String: String]
  /// Where the 64 digits of the digest lie in the file; nil if there are not just 64 bytes.
  let digestRange: Range<Int>?

  /// The bytes of all tensors' data.
  var dataByteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Reads the length of the JSON from the first 8 bytes of a file.
  static func byteCount(_ prefix: [UInt8], fileByteCount: Int) throws(FormatProblem) -> Int {
    guard fileByteCount >= prefixByteCount, prefix.count >= prefixByteCount else {
      throw FormatProblem("expected at least \(prefixByteCount) bytes, found \(fileByteCount)")
    }
    let length = prefix.prefix(prefixByteCount).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(maximumByteCount) else {
      throw FormatProblem("expected a header of at most \(maximumByteCount) bytes, found one of \(length)")
    }
    guard Int(length) <= fileByteCount - prefixByteCount else {
      throw FormatProblem(
        "expected a header of \(length) bytes, found only \(fileByteCount - prefixByteCount) bytes")
    }
    return Int(length)
  }

  /// Reads the JSON of a file that has `dataByteCount` bytes behind it.
  init(json: [UInt8], dataByteCount: Int) throws(FormatProblem) {
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    var digestRange: Range<Int>?
    var scanner = HeaderScanner(json)
    try scanner.object { (name, scanner) throws(FormatProblem) in
      if name == Self.metadataKey {
        try scanner.object { (key, scanner) throws(FormatProblem) in
          let text = try scanner.string()
          metadata[key] = text
          guard key == Self.digestKey, text.utf8.count == 64 else { return }
          // The scanner stands behind the closing quote. Escapes would make the text shorter than its
          // source; then the digits found there are not the text, and the digest cannot be right.
          let end = Self.prefixByteCount + scanner.position - 1
          digestRange = end - 64..<end
        }
      } else {
        entries.append(try Entry(name, &scanner))
      }
    }
    try scanner.expectEnd()
    self.metadata = metadata
    self.digestRange = digestRange
    tensors = try Self.ordered(entries, dataByteCount)
  }

  /// The tensors in the order of their data, which must fill the data section without gap or overlap.
  private static func ordered(
    _ entries: [Entry], _ dataByteCount: Int
  ) throws(FormatProblem) -> [TensorDescription] {
    var end = 0
    let ordered = entries.sorted { ($0.start, $0.end, $0.tensor.name) < ($1.start, $1.end, $1.tensor.name) }
    for entry in ordered {
      let name = quoted(entry.tensor.name)
      guard entry.start == end else {
        throw FormatProblem("expected the data of \(name) at offset \(end), found offset \(entry.start)")
      }
      guard let byteCount = entry.tensor.byteCountIfRepresentable, entry.end - entry.start == byteCount else {
        throw FormatProblem(
          "the data of \(name) at offsets \(entry.start) to \(entry.end) do not fit its shape "
            + "\(entry.tensor.shape) of \(entry.tensor.elementType.rawValue)")
      }
      end = entry.end
    }
    guard end == dataByteCount else {
      throw FormatProblem("expected \(end) bytes of data behind the header, found \(dataByteCount)")
    }
    return ordered.map(\.tensor)
  }

  /// A tensor as the JSON tells of it.
  private struct Entry {
    let tensor: TensorDescription
    /// The first byte of its data, counted from the end of the header.
    let start: Int
    /// The byte behind its data; not before `start`.
    let end: Int

    init(_ name: String, _ scanner: inout HeaderScanner) throws(FormatProblem) {
      var elementType: ElementType?
      var shape: [Int]?
      var offsets: [Int] = []
      try scanner.object { (key, scanner) throws(FormatProblem) in
        switch key {
        case "dtype":
          let text = try scanner.string()
          elementType = ElementType(rawValue: text)
          guard elementType != nil else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw FormatProblem("expected \(quoted(name)) of type \(known), found \(quoted(text))")
          }
        case "shape": shape = try scanner.integers()
        case "data_offsets": offsets = try scanner.integers()
        default:
          throw FormatProblem(
            "expected dtype, shape and data_offsets of \(quoted(name)), found \(quoted(key))")
        }
      }
      guard let elementType, let shape, offsets.count == 2, offsets[0] <= offsets[1] else {
        throw FormatProblem("expected dtype, shape and two rising data_offsets of \(quoted(name))")
      }
      tensor = TensorDescription(name: name, elementType: elementType, shape: shape)
      start = offsets[0]
      end = offsets[1]
    }
  }
}
