import Checkpoints
import Digests
import Files
import Foundation
import Model
import Runs
import Training

/// Checkpoints, the bytes as they are: mostly their headers, since no chance finds a digest.
func headerFormat() -> FuzzedFormat {
  FuzzedFormat(
    name: "safetensors", longestInput: 2048, seeds: [CheckpointFile.bytes(of: smallContents)],
    words: headerWords
  ) { bytes in
    do throws(FileError) {
      _ = try CheckpointFile(bytes: bytes, path: "memory")
    } catch {
      agree(error.kind == .malformed && !error.description.contains("\n"), error.description)
    }
  }
}

/// Checkpoints from the JSON of a header and the data behind a zero byte: length and digest are made right first, so
/// that everything else of the file is reached. What loads is written again, compared, and taken for a model.
func checkpointFormat() throws -> FuzzedFormat {
  let file = try InputFile("model.safetensors")
  let model = CheckpointFile.bytes(of: smallModel)
  let reference = smallContents
  return FuzzedFormat(
    name: "checkpoint", longestInput: 4096,
    seeds: [model, CheckpointFile.bytes(of: smallContents)].map { bytes in
      let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      return bytes[8..<8 + length] + [0] + bytes[(8 + length)...]
    },
    words: headerWords + recipeWords
  ) { bytes in
    let json = bytes.prefix { $0 != 0 }
    let sound = withDigest(
      (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
        + bytes.dropFirst(json.count + 1))
    let checkpoint: CheckpointFile
    do throws(FileError) {
      checkpoint = try CheckpointFile(bytes: sound, path: "memory")
    } catch {
      agree(error.kind == .malformed && !error.description.contains("\n"), error.description)
      return
    }
    let contents = checkpoint.contents
    let again = try? CheckpointFile(bytes: CheckpointFile.bytes(of: contents), path: "memory").contents
    agree(
      again?.tensors == contents.tensors && again?.metadata == contents.metadata
        && again?.data == contents.data,
      "a checkpoint that was read is written as another one")
    agree(CheckpointDifference(between: contents, and: contents).isEmpty, "a checkpoint differs from itself")
    _ = CheckpointDifference(between: contents, and: reference)
    file.write(sound)
    _ = try? TrainedModel(path: file.path).probabilities([UInt8](repeating: 9, count: 784))
  }
}

/// The file with the digest that it should have, where its header has a place for one.
private func withDigest(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  guard let key = bytes.firstRange(of: Array(#""digest":""#.utf8)), key.upperBound + 64 <= bytes.count else {
    return bytes
  }
  let digits = key.upperBound..<key.upperBound + 64
  bytes.replaceSubrange(digits, with: repeatElement(UInt8(ascii: "0"), count: 64))
  bytes.replaceSubrange(digits, with: SHA256Digest(of: bytes).description.utf8)
  return bytes
}

private var smallContents: CheckpointContents {
  CheckpointContents(
    tensors: [
      TensorDescription(name: "a.weight", shape: [2, 1]),
      TensorDescription(name: "a.count", elementType: .int64, shape: [1]),
      TensorDescription(name: "a.byte", elementType: .uint8, shape: []),
    ], metadata: ["epoch": "1", "step": "7"], data: (0..<17).map { UInt8($0) }[...])
}

/// The model with the fewest parameters: ten weights of the brightest pixel, ten biases.
private var smallModel: CheckpointContents {
  var recipe = Recipe(
    network: NetworkSpecification.smallest, optimizer: .sgd(SGDSpecification()), schedule: .constant)
  recipe.name = "smallest"
  let tensors = ["parameters", "optimizer.momentum"].flatMap {
    [
      TensorDescription(name: "\($0).dense1.weight", shape: [1, 10]),
      TensorDescription(name: "\($0).dense1.bias", shape: [10]),
    ]
  }
  return CheckpointContents(
    tensors: tensors, metadata: ["recipe": recipe.json(), "step": "1"],
    data: [UInt8](repeating: 0, count: 4 * 20 * 2)[...])
}

extension NetworkSpecification {
  /// The smallest network that classifies digits.
  static var smallest: NetworkSpecification {
    guard let network = try? NetworkSpecification("maxpool 28; dense 10") else {
      fatalError("a network fits")
    }
    return network
  }
}

private let headerWords = [
  "__metadata__", #""format":"lockstep-1""#, #""digest":""#, "dtype", "shape", "data_offsets", "F32", "I64",
  "U8",
  #"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "9223372036854775807", "\\u0061", "\\uD83D\\uDE00",
  "\"a\":",
]
