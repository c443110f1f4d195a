import Checkpoints
import Digests
import Files
import Foundation
import TestSupport
import Testing

@Suite struct CheckpointFileTests {
  @Test func contentsComeBackBitForBit() throws {
    let scratch = try Scratch()
    let metadata = ["recipe": #"{"name": "quick\n", "é": "😀"}"#, "control": "\u{1}\t\\", "": ""]
    let contents = smallContents(metadata: metadata)
    let digest = try CheckpointFile.write(contents, to: scratch("a.safetensors"))
    let file = try CheckpointFile(reading: scratch("a.safetensors"))
    #expect(file.contents == contents)
    #expect(file.contents.tensors.map(\.name) == smallTensors.map(\.name))
    #expect(file.contents.metadata == metadata)
    #expect(file.digest == digest)
    #expect(file.byteCount == (try scratch.read("a.safetensors").count))
    #expect(try scratch.names() == ["a.safetensors"])

    let bias = try #require(file.contents["ema.conv1.bias"])
    #expect(bias.description.shape == [4])
    #expect(bias.floats == Array(floats(count: 80, seed: 0).suffix(4)))
    #expect(file.contents["ema.conv2.bias"] == nil)
  }

  @Test func emptyAndScalarTensors() throws {
    let tensors = [
      TensorDescription(name: "none", shape: [0, 5]), TensorDescription(name: "scalar", shape: []),
      TensorDescription(name: "last", shape: [2, 0]),
    ]
    let file = try CheckpointFile(
      bytes: CheckpointFile.bytes(of: contents(tensors, seed: 1, metadata: [:])), path: "memory")
    #expect(file.contents["scalar"]?.floats.count == 1)
    #expect(file.contents["none"]?.floats == [])
    #expect(Set(file.contents.tensors) == Set(tensors))
  }

  /// The bytes are a promise: they may change only together with `CheckpointFile.format`.
  @Test func bytesAreCanonical() throws {
    let tensors = [TensorDescription(name: "w", shape: [1, 2]), TensorDescription(name: "b", shape: [1])]
    let values: [Float] = [1, -2, 0.5]
    let pairs = [("step", "7"), ("epoch", "1"), ("note", "a\"b\n")]
    let header =
      #"{"__metadata__":{"digest":"DIGEST","epoch":"1","format":"lockstep-1","#
      + #""note":"a\"b\u000a","step":"7"},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"#
      + #""w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
    let zeros = String(repeating: "0", count: 64)
    let data: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63]
    func file(_ digest: String) -> [UInt8] {
      var json = header.replacingOccurrences(of: "DIGEST", with: digest)
      while json.utf8.count % 8 != 0 { json += " " }
      return safeTensors(json, data: data)
    }
    let expected = file(SHA256Digest(of: file(zeros)).description)
    for order in [pairs, pairs.reversed()] {
      let contents = contents(tensors, values, metadata: Dictionary(uniqueKeysWithValues: order))
      #expect(CheckpointFile.bytes(of: contents) == expected)
    }
  }

  @Test func piecesMakeTheSameFileAsTheWhole() throws {
    let scratch = try Scratch()
    let whole = smallContents()
    let metadata = whole.metadata
    try whole.data.withUnsafeBytes { data in
      let pieces = [data[..<160], data[160..<160], data[160...]].map { UnsafeRawBufferPointer(rebasing: $0) }
      _ = try CheckpointFile.write(
        tensors: smallTensors, metadata: metadata, pieces: pieces, to: scratch("pieces.safetensors"))
    }
    #expect(try scratch.read("pieces.safetensors") == CheckpointFile.bytes(of: whole))
  }

  @Test func restoreFillsTheBuffersThatWereWritten() throws {
    let whole = smallContents(seed: 3)
    let file = try CheckpointFile(bytes: CheckpointFile.bytes(of: whole), path: "memory")
    let averaged = Array(smallTensors.suffix(2))
    var restored = [UInt8](repeating: 0, count: 160)
    try restored.withUnsafeMutableBytes { try file.restore(averaged, into: [$0]) }
    #expect(restored[...] == whole.data.suffix(160))

    var first = [UInt8](repeating: 0, count: 160)
    try first.withUnsafeMutableBytes { first in
      try restored.withUnsafeMutableBytes { second in try file.restore(smallTensors, into: [first, second]) }
    }
    #expect((first + restored)[...] == whole.data)
  }

  @Test(arguments: [
    (
      TensorDescription(name: "ema.conv1.bias", shape: [5]),
      "memory: expected ema.conv1.bias as F32 [5], found F32 [4]"
    ),
    (
      TensorDescription(name: "ema.conv9.bias", shape: [4]),
      "memory: expected a tensor ema.conv9.bias, found none"
    ),
  ])
  func anotherNetworkIsRefused(tensor: TensorDescription, sentence: String) throws {
    let file = try CheckpointFile(bytes: CheckpointFile.bytes(of: smallContents()), path: "memory")
    let tensors = [smallTensors[1], tensor]
    var buffer = [UInt8](repeating: 9, count: tensors.reduce(0) { $0 + $1.byteCount })
    let error = failure { try buffer.withUnsafeMutableBytes { try file.restore(tensors, into: [$0]) } }
    #expect(error == FileError(.different, sentence))
    #expect(error?.exitCode == 65)
    #expect(buffer.allSatisfy { $0 == 9 })
  }

  @Test func filesThatCannotBeRead() throws {
    let scratch = try Scratch()
    let missing = failure { _ = try CheckpointFile(reading: scratch("none")) }
    #expect(missing?.kind == .missing)
    #expect(missing?.exitCode == 66)
    #expect(missing?.description == "\(scratch("none")): cannot be read: No such file or directory")
    #expect(failure { _ = try CheckpointFile(reading: scratch.path) }?.kind == .missing)
    let empty = try scratch.write("empty", [])
    #expect(
      failure { _ = try CheckpointFile(reading: empty) }
        == FileError(.malformed, "\(empty): expected at least 8 bytes, found 0"))
  }
}
