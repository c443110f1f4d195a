import Checkpoints
import Digests
import Foundation
import Inference
import LockstepModels
import Model
import Runs
import TestSupport
import Testing

@Suite struct DigitModelTests {
  /// A model whose logits are ten times the first ten pixels.
  private func model(_ scratch: Scratch) throws -> DigitModel {
    var weights = try ModelWeights(NetworkSpecification("linear"))
    let tensor = try #require(weights.tensors.first)
    for digit in 0..<10 { weights.values[tensor.offset + digit * tensor.columns + digit] = 10 }
    let recipe = try #require(Recipe.named("linear"))
    let bytes = StoredModel.bytes(of: weights, recipe: recipe, source: SHA256Digest(of: [UInt8]()))
    return try DigitModel(path: scratch.write("model.safetensors", bytes))
  }

  private func image(_ digit: Int) -> [UInt8] { (0..<784).map { $0 == digit ? 255 : 0 } }

  @Test func theDigitIsTheMostProbable() throws {
    let model = try model(Scratch())
    for digit in 0..<10 {
      let prediction = try model.predict(image(digit))
      #expect(prediction.digit == digit)
      #expect(prediction.probability > 0.99)
      #expect(abs(prediction.probabilities.reduce(0, +) - 1) < 1e-5)
    }
    #expect(model.network == "dense 10")
    #expect(model.fileDigest.count == 64)
  }

  /// More images than go through the network at once.
  @Test func manyImagesAreThoseOneByOne() throws {
    let model = try model(Scratch())
    let digits = (0..<23).map { $0 * 7 % 10 }
    let predictions = try model.predictAll(digits.flatMap(image))
    #expect(predictions.map(\.digit) == digits)
    #expect(try predictions == digits.map { try model.predict(image($0)) })
    #expect(try model.predictAll([]).isEmpty)
  }

  @Test func whatIsNoImageOrNoModelIsSaid() throws {
    let scratch = try Scratch()
    let model = try model(scratch)
    for count in [0, 783, 785] {
      let error = #expect(throws: DigitModelError.self) {
        try model.predict([UInt8](repeating: 0, count: count))
      }
      #expect(error?.description.contains("found \(count) bytes") == true)
    }
    #expect(throws: DigitModelError.self) { try model.predictAll([UInt8](repeating: 0, count: 785)) }
    let missing = #expect(throws: DigitModelError.self) { try DigitModel(path: scratch("none")) }
    #expect(missing?.description.contains("none: cannot be read") == true)
    let other = try scratch.write("text", Array("hello".utf8))
    #expect(throws: DigitModelError.self) { try DigitModel(path: other) }
  }

  /// A few words of a small file may name a network that no machine has the memory for.
  @Test func networksThatTheFileDoesNotHoldTakeNoMemory() throws {
    let scratch = try Scratch()
    var recipe = try #require(Recipe.named("linear"))
    recipe.network = try NetworkSpecification("dense 65536; dense 65536; dense 10")
    let contents = CheckpointContents(
      tensors: [TensorDescription(name: "parameters.dense1.bias", shape: [2])],
      metadata: ["recipe": recipe.json(), "step": "1"], data: [UInt8](repeating: 0, count: 8)[...])
    let path = scratch("large.safetensors")
    try CheckpointFile.write(contents, to: path)
    let error = try #require(throws: DigitModelError.self) { try DigitModel(path: path) }
    #expect(
      error.description
        == "\(path): expected the 4347133962 parameters of its network \(recipe.network), found 2")
  }
}
