import Checkpoints
import Files

/// The tensors of a small network, whose names are not in alphabetical order.
let smallTensors = [
  TensorDescription(name: "parameters.conv1.weight", shape: [3, 3, 1, 4]),
  TensorDescription(name: "parameters.conv1.bias", shape: [4]),
  TensorDescription(name: "ema.conv1.weight", shape: [3, 3, 1, 4]),
  TensorDescription(name: "ema.conv1.bias", shape: [4]),
]

/// Contents of those tensors, different for each `seed`.
func smallContents(
  seed: Int = 0, metadata: [String: String] = ["epoch": "1", "step": "7"]
) -> CheckpointContents {
  contents(smallTensors, seed: seed, metadata: metadata)
}

/// Contents with many different values, denormal and special ones among them.
func contents(_ tensors: [TensorDescription], seed: Int, metadata: [String: String]) -> CheckpointContents {
  var values = floats(count: tensors.reduce(0) { $0 + $1.count }, seed: seed)
  let special: [Float] = [.nan, -.infinity, -0, .leastNonzeroMagnitude]
  values.replaceSubrange(0..<min(4, values.count), with: special.prefix(values.count))
  return contents(tensors, values, metadata: metadata)
}

/// Contents with these values, one tensor's behind the other's.
func contents(
  _ tensors: [TensorDescription], _ values: [Float], metadata: [String: String]
) -> CheckpointContents {
  CheckpointContents(tensors: tensors, metadata: metadata, data: values.withUnsafeBytes { Array($0)[...] })
}

extension CheckpointTensor {
  /// The elements of a tensor of floats, to the bit.
  var floats: [Float] {
    bytes.withUnsafeBytes { bytes in
      (0..<description.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}

func floats(count: Int, seed: Int) -> [Float] {
  var generator = Generator(state: UInt64(seed) &+ 1)
  return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
}

/// Repeatable noise: Knuth's MMIX linear congruential generator, its better high bits exchanged with the low.
struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state << 32 | state >> 32
  }
}

/// Runs `body`, which must fail with a `FileError`, and returns that.
func failure(_ body: () throws -> Void) -> FileError? {
  do {
    try body()
  } catch {
    return error as? FileError
  }
  return nil
}

/// A file with any header and data.
func safeTensors(_ json: String, data: [UInt8] = []) -> [UInt8] {
  let length = UInt64(json.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(json.utf8) + data
}
