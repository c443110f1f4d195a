import Checkpoints
import Digests
import Files
import Foundation
import TestSupport
import Testing

/// Whatever happens to a file, it is refused with one sentence; never loaded wrong, never a crash.
@Suite struct DamageTests {
  /// Whether the bytes are refused as they should be.
  private func refused(_ bytes: [UInt8]) -> Bool {
    guard let error = failure({ _ = try CheckpointFile(bytes: bytes, path: "memory") }) else { return false }
    return error.kind == .malformed && error.description.hasPrefix("memory: ")
      && !error.description.contains("\n")
  }

  @Test func everyCutIsRefused() throws {
    let scratch = try Scratch()
    let tensors = [
      TensorDescription(name: "parameters.dense1.weight", shape: [200, 150]),
      TensorDescription(name: "parameters.dense1.bias", shape: [150]),
    ]
    let bytes = CheckpointFile.bytes(of: contents(tensors, seed: 2, metadata: ["recipe": "{}"]))
    let headerEnd = bytes.count - tensors.reduce(0) { $0 + $1.byteCount }
    let cuts = Set(0...headerEnd).union(stride(from: 0, to: bytes.count, by: 1000)).union([bytes.count - 1])
    for cut in cuts {
      let path = try scratch.write("cut", Array(bytes[..<cut]))
      let error = failure { _ = try CheckpointFile(reading: path) }
      #expect(error?.kind == .malformed, "cut at \(cut)")
      #expect(refused(Array(bytes[..<cut])), "cut at \(cut)")
    }
    #expect(refused(bytes + [0]))
    #expect(refused(bytes + bytes))
    #expect(!refused(bytes))
  }

  @Test func everyFlippedBitIsRefused() {
    var bytes = CheckpointFile.bytes(of: smallContents(metadata: ["recipe": #"{"a":1}"#]))
    var loaded: [Int] = []
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      if !refused(bytes) { loaded.append(bit) }
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
    #expect(loaded == [])
    #expect(!refused(bytes))
  }

  /// Overwritten, removed and inserted stretches, as disks and networks leave them.
  @Test func scrambledFilesAreRefused() {
    let original = CheckpointFile.bytes(of: smallContents())
    var generator = Generator(state: 77)
    for round in 0..<2000 {
      var bytes = original
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let end = min(bytes.count, start + Int.random(in: 1...40, using: &generator))
      let noise = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      bytes.replaceSubrange(start..<end, with: noise)
      if bytes != original { #expect(refused(bytes), "round \(round)") }
    }
  }

  /// Headers that somebody made up. The sentence says what is wrong with them.
  @Test(arguments: [
    ("", "expected '{', found its end"),
    ("[]", "expected '{', found '['"),
    ("{}", #"expected the metadata to name the format "lockstep-1", found none"#),
    ("{} x", "expected spaces, found 'x'"),
    ("{\"a", "expected '\"', found its end"),
    ("{\"a\n\"", "expected '\"', found the byte 10"),
    (#"{"a":{}}"#, #"expected dtype, shape and two rising data_offsets of "a""#),
    (#"{"a":{"dtype":"F32","shape":[],"data_offsets":[4,0]}}"#, "two rising data_offsets"),
    (#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,4]}}"#, "two rising data_offsets"),
    (#"{"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}}"#, #"F16, BF16, F64, found "I32""#),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "do not fit its shape [2] of F32"),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "expected a whole number, found '-'"),
    (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, "expected a whole number, found '0'"),
    (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, "expected ']', found '.'"),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, "too large"),
    (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, "do not fit its shape"),
    (
      #"{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}"#,
      "bytes of data behind the header, found 4"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      #"expected the data of "a" at offset 0, found offset 4"#
    ),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, #"found "x""#),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}"#,
      #"two keys "a""#
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{}}"#,
      #"two keys "a""#
    ),
    (
      #"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
      #"expected the data of "a" at offset 1, found offset 0"#
    ),
    (#"{"__metadata__":{"epoch":1}}"#, "expected '\"', found '1'"),
    (#"{"__metadata__":{"a":"1","a":"2"}}"#, #"two keys "a""#),
    (#"{"__metadata__":{"a":"\x"}}"#, "expected an escape, found 'x'"),
    (#"{"__metadata__":{"a":"\u12G4"}}"#, "expected four hexadecimal digits, found 'G'"),
    (#"{"__metadata__":{"a":"\uD83D"}}"#, "expected a surrogate's second half"),
    (#"{"__metadata__":{"a":"\uD83D\u0041"}}"#, "expected a surrogate's second half"),
    (#"{"__metadata__":{"a":"\uDE00"}}"#, "expected a surrogate's second half"),
    (#"{"__metadata__":{"format":"lockstep-2"}}"#, #"the format "lockstep-1", found "lockstep-2""#),
    (#"{"__metadata__":{"format":"lockstep-1"}}"#, "expected a digest of 64 digits"),
    (#"{"__metadata__":{"format":"lockstep-1","digest":"00"}}"#, "expected a digest of 64 digits"),
  ])
  func hostileHeaders(json: String, clause: String) {
    let wantsData = json.contains(#"{"dtype""#)
    let bytes = safeTensors(json, data: wantsData ? [0, 0, 0, 0] : [])
    let error = failure { _ = try CheckpointFile(bytes: bytes, path: "memory") }
    #expect(error?.kind == .malformed)
    #expect(error?.description.contains(clause) == true, "\(error?.description ?? "loaded")")
  }

  /// A right digest makes nothing else right: the same checks hold for a file that was made with care.
  @Test(arguments: [
    (#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 4, nil),
    (#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 8, "expected 4 bytes of data"),
    (#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 0, "expected 4 bytes of data"),
    (#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, 4, "do not fit its shape [2] of F32"),
    (#"{"dtype":"I64","shape":[1],"data_offsets":[0,4]}"#, 4, "do not fit its shape [1] of I64"),
    (#"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, 8, "at offset 0, found offset 4"),
  ])
  func structureIsCheckedBesidesTheDigest(tensor: String, dataByteCount: Int, clause: String?) {
    func file(_ digest: String) -> [UInt8] {
      let json = #"{"__metadata__":{"format":"lockstep-1","digest":"\#(digest)"},"a":\#(tensor)}"#
      return safeTensors(json, data: [UInt8](repeating: 0, count: dataByteCount))
    }
    let digest = SHA256Digest(of: file(String(repeating: "0", count: 64)))
    let error = failure { _ = try CheckpointFile(bytes: file(digest.description), path: "memory") }
    guard let clause else {
      #expect(error == nil)
      return
    }
    #expect(error?.kind == .malformed)
    #expect(error?.description.contains(clause) == true, "\(error?.description ?? "loaded")")
  }

  @Test func deepNestingAndBadTextAreRefused() {
    #expect(refused(safeTensors(String(repeating: "[", count: 100_000))))
    #expect(refused(safeTensors(String(repeating: #"{"a":"#, count: 100_000))))
    var bytes = safeTensors(#"{"__metadata__":{"a":"XY"}}"#)
    bytes.replaceSubrange(30..<32, with: [0xC3, 0x28])
    #expect(refused(bytes))
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001, 100_000_000, 9])
  func hostileLengths(length: UInt64) throws {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array("{}      ".utf8)
    #expect(refused(bytes))
    let scratch = try Scratch()
    let path = try scratch.write("a", bytes)
    #expect(failure { _ = try CheckpointFile(reading: path) }?.kind == .malformed)
  }

  /// A file of 8 TiB of nothing takes no disk, and must take no memory.
  @Test func hugeFilesAreRefusedBeforeTheyAreRead() throws {
    let scratch = try Scratch()
    let path = try scratch.write("a", safeTensors("{}"))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: 8 << 40)
    try file.close()
    let error = failure { _ = try CheckpointFile(reading: path) }
    #expect(error?.kind == .malformed)
    #expect(error?.description.contains("expected at most 17179869184 bytes, found 8796093022208") == true)
  }

  /// Two files of the same structure, the digest of one in the other.
  @Test func anotherFilesDigestIsRefused() throws {
    let one = CheckpointFile.bytes(of: smallContents(seed: 1))
    let other = CheckpointFile.bytes(of: smallContents(seed: 2))
    let mixed = Array(one.dropLast(smallContents().data.count)) + smallContents(seed: 2).data
    #expect(one.count == other.count && mixed.count == one.count && mixed != other)
    let error = failure { _ = try CheckpointFile(bytes: mixed, path: "memory") }
    #expect(error?.description.contains("does not match its digest") == true)
  }
}
