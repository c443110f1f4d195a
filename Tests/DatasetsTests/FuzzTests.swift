import Datasets
import Files
import Foundation
import Tensors
import TestSupport
import Testing

/// Damaged files end in an error or in well-formed samples: never in a crash, a hang or silently wrong
/// counts.
@Suite struct FuzzTests {
  private static let files = datasetFiles(train: 12, test: 3)

  /// Reads the training part with `name` replaced by `bytes`; nil if that ends in an error.
  private func read(_ scratch: Scratch, _ name: String, _ bytes: [UInt8]) throws -> LabelledImages? {
    try scratch.write(name, bytes)
    do {
      return try Dataset(folder: scratch.path).read(.train)
    } catch {
      #expect(error.description.contains(scratch.path), "\(error)")
      #expect([65, 66].contains(error.exitCode))
      return nil
    }
  }

  private func scratch(compressed: Bool) throws -> (Scratch, [String: [UInt8]]) {
    let scratch = try Scratch()
    var stored: [String: [UInt8]] = [:]
    for (name, bytes) in Self.files {
      stored[compressed ? name + ".gz" : name] = compressed ? try gzip(bytes) : bytes
    }
    for (name, bytes) in stored { try scratch.write(name, bytes) }
    return (scratch, stored)
  }

  @Test(arguments: [false, true])
  func everyTruncationIsAnError(compressed: Bool) throws {
    let (scratch, stored) = try scratch(compressed: compressed)
    for (name, bytes) in stored where name.hasPrefix("train") {
      let lengths = Set(stride(from: 0, to: bytes.count, by: 37)).union(0..<min(60, bytes.count))
        .union(max(0, bytes.count - 12)..<bytes.count)
      for length in lengths {
        #expect(try read(scratch, name, Array(bytes[..<length])) == nil, "\(name) cut to \(length)")
      }
      #expect(try read(scratch, name, bytes) != nil)
    }
  }

  @Test func flippedBitsInPlainFilesAreErrorsInHeadersAndHarmlessInPixels() throws {
    let (scratch, stored) = try scratch(compressed: false)
    let intact = try Dataset(folder: scratch.path).read(.train)
    let random = CounterGenerator(seed: 1, for: .test)
    for (name, bytes) in stored where name.hasPrefix("train") {
      let headerBits = name.contains("idx3") ? 128 : 64
      let bits = Array(0..<headerBits) + (0..<200).map { random.below(8 * bytes.count, at: $0) }
      for bit in bits {
        var damaged = bytes
        damaged[bit / 8] ^= 1 << (bit % 8)
        let samples = try read(scratch, name, damaged)
        if bit < headerBits {
          // Labels of unsigned bytes are the same as signed ones.
          #expect(samples == nil || bit == 16 && samples == intact, "bit \(bit) of \(name)")
        } else {
          #expect(samples?.count == 12, "bit \(bit) of \(name)")
        }
      }
      try scratch.write(name, bytes)
    }
  }

  @Test func flippedBitsInCompressedFilesAreErrorsOrChangeNothing() throws {
    let (scratch, stored) = try scratch(compressed: true)
    let intact = try Dataset(folder: scratch.path).read(.train)
    let random = CounterGenerator(seed: 2, for: .test)
    for (name, bytes) in stored where name.hasPrefix("train") {
      let bits = Array(0..<160) + (0..<600).map { random.below(8 * bytes.count, at: $0) }
      for bit in bits {
        var damaged = bytes
        damaged[bit / 8] ^= 1 << (bit % 8)
        if let samples = try read(scratch, name, damaged) {
          #expect(samples == intact, "bit \(bit) of \(name)")
        }
      }
      try scratch.write(name, bytes)
    }
  }

  @Test func randomBytesAreErrors() throws {
    let (scratch, _) = try scratch(compressed: false)
    for seed in 0..<200 as Range<UInt64> {
      let random = CounterGenerator(seed: seed, for: .test)
      var bytes = (0..<UInt64(random.below(200, at: 0))).map {
        UInt8(truncatingIfNeeded: random.bits(at: $0 + 1))
      }
      // Half of them look like gzip, so that the decompressor has to cope as well.
      if seed % 2 == 0 { bytes = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + bytes }
      #expect(try read(scratch, "train-images-idx3-ubyte", bytes) == nil)
    }
  }
}
