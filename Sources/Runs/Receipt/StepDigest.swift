/// What a step came to, in 16 bytes: hashes (`NHHash`) of the reduced gradient with the step's loss, count of right answers
/// and count of samples, and of the parameters after the update.
///
/// The two tell apart where steps part, in the gradient or in the update; that of the parameters can be had of a
/// checkpoint too.
package struct StepDigest: Hashable, Sendable {
  package var gradient: UInt64
  package var parameters: UInt64

  package init(gradient: UInt64, parameters: UInt64) {
    (self.gradient, self.parameters) = (gradient, parameters)
  }

  /// The bytes that are chained: both hashes, little-endian, the gradient's first.
  package var bytes: [UInt8] {
    [gradient, parameters].flatMap { hash in (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) } }
  }
}

/// In text it has 32 hexadecimal digits: the gradient's hash, then that of the parameters.
extension StepDigest: CustomStringConvertible, Codable {
  package init?(_ text: some StringProtocol) {
    let digits = text.utf8
    guard digits.count == 32, digits.allSatisfy({ Self.isDigit($0) }),
      let gradient = UInt64(text.prefix(16), radix: 16), let parameters = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(gradient: gradient, parameters: parameters)
  }

  private static func isDigit(_ digit: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit || UInt8(ascii: "a")...UInt8(ascii: "f") ~= digit
  }

  package var description: String {
    var text = LineBuffer(capacity: 32)
    text.append(self)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let digest = StepDigest(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a step's digest of 32 hexadecimal digits")
    }
    self = digest
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension LineBuffer {
  /// The digits of a step's digest, without a String.
  mutating func append(_ digest: StepDigest) {
    append(digits: digest.gradient)
    append(digits: digest.parameters)
  }

  private mutating func append(digits hash: UInt64) {
    for place in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: hash >> UInt64(60 - 4 * place) & 15)
      append(CollectionOfOne(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit))
    }
  }
}
