internal import COpenSSL

/// A SHA-256 digest: 32 bytes (FIPS 180-4), computed by OpenSSL's libcrypto.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes of the digest.
  package let bytes: [UInt8]

  /// Takes over 32 bytes that some other rank or file computed; nil if there are not exactly 32.
  package init?(bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
    guard self.bytes.count == 32 else { return nil }
  }

  /// Reads 64 lower-case hexadecimal digits, as `description` has them; nil for other text.
  package init?(digits text: String) {
    func value(_ digit: UInt8) -> UInt8? {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    let values = text.utf8.compactMap(value)
    guard values.count == 64, text.utf8.count == 64 else { return nil }
    bytes = (0..<32).map { values[2 * $0] << 4 | values[2 * $0 + 1] }
  }

  /// Digests `bytes`.
  package init(of bytes: UnsafeRawBufferPointer) {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    self = hasher.finish()
  }

  /// Digests `bytes`.
  package init(of bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { SHA256Digest(of: $0) }
  }

  /// 64 lower-case hexadecimal digits.
  package var description: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Digests bytes that arrive in pieces.
package struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto offers no SHA-256")
    }
    self.context = context
  }

  deinit {
    EVP_MD_CTX_free(context)
  }

  /// Appends `bytes` to what is digested.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let code = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(code == 1, "libcrypto's SHA-256 failed")
  }

  /// Appends `bytes` to what is digested.
  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// Ends the digest.
  package consuming func finish() -> SHA256Digest {
    let bytes = [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      var length: UInt32 = 0
      let code = EVP_DigestFinal_ex(context, buffer.baseAddress, &length)
      precondition(code == 1 && length == 32, "libcrypto's SHA-256 failed")
      count = 32
    }
    guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("SHA-256 has 32 bytes") }
    return digest
  }
}
