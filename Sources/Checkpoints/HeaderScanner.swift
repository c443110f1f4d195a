/// Reads the few kinds of JSON that a safetensors header is made of, byte by byte.
///
/// A general JSON decoder would do most of it, but keep silent about duplicate keys and not say where a
/// value lies.
struct HeaderScanner {
  private let bytes: [UInt8]
  /// The index of the next byte.
  private(set) var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Skips white space, then `character`, which must come next.
  mutating func expect(_ character: Unicode.Scalar) throws(FormatProblem) {
    guard skip(character) else { throw unexpected("'\(character)'") }
  }

  /// Skips white space, then `character` if it comes next; whether it did.
  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Skips white space, which must be all that is left.
  mutating func expectEnd() throws(FormatProblem) {
    skipSpace()
    guard position == bytes.count else { throw unexpected("spaces") }
  }

  /// Visits the keys of an object; `visit` reads each one's value.
  ///
  /// - Throws: also if a key comes twice.
  mutating func object(
    _ visit: (_ key: String, inout HeaderScanner) throws(FormatProblem) -> Void
  ) throws(FormatProblem) {
    try expect("{")
    if skip("}") { return }
    var seen: Set<String> = []
    repeat {
      let key = try string()
      guard seen.insert(key).inserted else { throw FormatProblem("its header has two keys \(quoted(key))") }
      try expect(":")
      try visit(key, &self)
    } while skip(",")
    try expect("}")
  }

  /// An array of whole numbers that are not negative.
  mutating func integers() throws(FormatProblem) -> [Int] {
    var values: [Int] = []
    try expect("[")
    if skip("]") { return values }
    repeat { values.append(try integer()) } while skip(",")
    try expect("]")
    return values
  }

  /// A whole number that is not negative and fits into `Int`.
  private mutating func integer() throws(FormatProblem) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.count, case let digit = bytes[position], digit >= 48, digit <= 57 {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = shifted.addingReportingOverflow(Int(digit - 48))
      guard !overflow, !carry else {
        throw FormatProblem("byte \(8 + start), in its header, starts a number that is too large")
      }
      value = sum
      position += 1
    }
    guard position > start, position == start + 1 || bytes[start] != 48 else {
      position = start
      throw unexpected("a whole number")
    }
    return value
  }

  /// A string.
  mutating func string() throws(FormatProblem) -> String {
    try expect("\"")
    let start = position
    var text: [UInt8] = []
    while true {
      guard position < bytes.count else { throw unexpected("'\"'") }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw FormatProblem("the string at byte \(8 + start), in its header, is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        text.append(contentsOf: try escaped())
      case 0..<32:
        position -= 1
        throw unexpected("'\"'")
      default:
        text.append(byte)
      }
    }
  }

  /// What stands behind a backslash, as UTF-8.
  private mutating func escaped() throws(FormatProblem) -> [UInt8] {
    guard position < bytes.count else { throw unexpected("an escape") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"): return Array(String(try escapedScalar()).utf8)
    default:
      position -= 1
      throw unexpected("an escape")
    }
  }

  /// The scalar that one or, for a surrogate pair, two `\uXXXX` stand for; the first `\u` is read already.
  private mutating func escapedScalar() throws(FormatProblem) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw unexpected("a surrogate's second half") }
    position += 2
    let second = try fourDigits()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw unexpected("a surrogate's second half") }
    return scalar
  }

  private mutating func fourDigits() throws(FormatProblem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw unexpected("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
  }

  private func unexpected(_ expected: String) -> FormatProblem {
    let found =
      if position >= bytes.count {
        "its end"
      } else if (33..<127).contains(bytes[position]) {
        "'\(Unicode.Scalar(bytes[position]))'"
      } else {
        "the byte \(bytes[position])"
      }
    return FormatProblem(
      "byte \(8 + position) of the file, in its header: expected \(expected), found \(found)")
  }
}
