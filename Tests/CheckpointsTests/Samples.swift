import Checkpoints
import Foundation

/// A folder of a test's own; removed with its owner.
final class Scratch {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of `name` in the folder.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
  }

  /// The names in the folder, hidden ones included.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

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
  return values.withUnsafeBytes {
    CheckpointContents(tensors: tensors, metadata: metadata, copying: [$0])
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

/// Runs `body`, which must fail with a `CheckpointError`, and returns that.
func failure(_ body: () throws -> Void) -> CheckpointError? {
  do {
    try body()
  } catch {
    return error as? CheckpointError
  }
  return nil
}

/// A file with any header and data.
func safeTensors(_ json: String, data: [UInt8] = []) -> [UInt8] {
  let length = UInt64(json.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(json.utf8) + data
}
