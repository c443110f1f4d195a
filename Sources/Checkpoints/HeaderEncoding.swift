/// The bytes of a header, length included, in the one form that Lockstep writes: no space between tokens,
/// metadata first, keys in the order of their UTF-8, the JSON padded with spaces to a multiple of 8 bytes.
struct EncodedHeader {
  /// The length, the JSON and its padding; the digest is 64 zeros at first.
  private(set) var bytes: [UInt8]
  /// Where the digest's digits lie; empty in a header without one.
  private let digestRange: Range<Int>

  /// Encodes a checkpoint's header, for data that follow in the order of `tensors`.
  init(tensors: [TensorDescription], metadata: [String: String], format: String) {
    checkWritable(tensors, metadata)
    var metadata = metadata
    metadata[SafeTensorsHeader.formatKey] = format
    metadata[SafeTensorsHeader.digestKey] = String(repeating: "0", count: 64)
    self.init(tensors: tensors, metadata: metadata)
  }

  /// Encodes a header with just these metadata, for data that follow in the order of `tensors`.
  init(tensors: [TensorDescription], metadata: [String: String]) {
    var digestRange = 0..<0
    var text: [UInt8] = Array(repeating: 0, count: SafeTensorsHeader.prefixByteCount)
    text.append(contentsOf: "{\(Self.string(SafeTensorsHeader.metadataKey)):{".utf8)
    for (index, key) in metadata.keys.sorted(by: Self.precedes).enumerated() {
      text.append(contentsOf: "\(index == 0 ? "" : ",")\(Self.string(key)):".utf8)
      text.append(contentsOf: Self.string(metadata[key, default: ""]).utf8)
      if key == SafeTensorsHeader.digestKey { digestRange = text.count - 65..<text.count - 1 }
    }
    text.append(UInt8(ascii: "}"))

    var entries: [(name: String, json: String)] = []
    var offset = 0
    for tensor in tensors {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = offset + tensor.byteCount
      let type = tensor.elementType.rawValue
      let json = #"{"dtype":"\#(type)","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#
      entries.append((tensor.name, json))
      offset = end
    }
    for entry in entries.sorted(by: { Self.precedes($0.name, $1.name) }) {
      text.append(contentsOf: ",\(Self.string(entry.name)):\(entry.json)".utf8)
    }
    text.append(UInt8(ascii: "}"))
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }

    let length = text.count - SafeTensorsHeader.prefixByteCount
    for index in 0..<SafeTensorsHeader.prefixByteCount {
      text[index] = UInt8(truncatingIfNeeded: length >> (8 * index))
    }
    bytes = text
    self.digestRange = digestRange
  }

  /// Replaces the zeros by the digest of the file.
  mutating func insert(digest: String) {
    precondition(digest.utf8.count == digestRange.count, "a digest has \(digestRange.count) digits")
    bytes.replaceSubrange(digestRange, with: digest.utf8)
  }

  /// Strings in the order of their bytes: unlike `<`, it does not change with the Unicode version.
  private static func precedes(_ first: String, _ second: String) -> Bool {
    first.utf8.lexicographicallyPrecedes(second.utf8)
  }

  /// `text` as a JSON string; only what must be escaped is.
  private static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
