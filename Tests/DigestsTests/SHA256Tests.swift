import Digests
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples (NIST, "Examples with Intermediate Values", SHA-256), and the digest of nothing.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
        + "nopqrstu", "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func knownMessages(message: String, digest: String) {
    #expect(SHA256Digest(of: Array(message.utf8)).description == digest)
  }

  @Test func aMillionTimesA() {
    let message = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(
      SHA256Digest(of: message).description
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// Cut anywhere around the 64-byte blocks that SHA-256 works on.
  @Test func piecesEqualTheWhole() {
    let message = (0..<200).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let whole = SHA256Digest(of: message)
    for cut in 0...message.count {
      var hasher = SHA256Hasher()
      hasher.update(Array(message[..<cut]))
      hasher.update([])
      hasher.update(Array(message[cut...]))
      let pieces = hasher.finish()
      #expect(pieces == whole, "cut at \(cut)")
    }
  }

  @Test func digestsFromOtherRanks() {
    let digest = SHA256Digest(of: [1, 2, 3])
    #expect(digest.bytes.count == 32)
    #expect(SHA256Digest(bytes: digest.bytes) == digest)
    #expect(SHA256Digest(bytes: digest.bytes.dropLast()) == nil)
    #expect(SHA256Digest(bytes: digest.bytes + [0]) == nil)
  }
}
