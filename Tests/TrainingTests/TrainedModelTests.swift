import Checkpoints
import Model
import Runs
import TestSupport
import Testing
import Training

@Suite struct TrainedModelTests {
  /// A few words of a small file may name a network that no machine has the memory for: 17 GB here, and as much again for
  /// the optimizer. The file is refused before any of it is taken.
  @Test func networksThatTheFileDoesNotHoldTakeNoMemory() throws {
    let scratch = try Scratch()
    var recipe = try #require(Recipe.named("linear"))
    recipe.network = try NetworkSpecification("dense 65536; dense 65536; dense 10")
    let contents = CheckpointContents(
      tensors: [TensorDescription(name: "parameters.dense1.bias", shape: [2])],
      metadata: ["recipe": recipe.json(), "step": "1"], data: [UInt8](repeating: 0, count: 8)[...])
    let path = scratch("large.safetensors")
    try CheckpointFile.write(contents, to: path)
    let error = try #require(throws: RunError.self) { _ = try TrainedModel(path: path) }
    #expect(error.exitCode == 65)
    #expect(
      error.description
        == "\(path): expected the 4347133962 parameters of its network \(recipe.network), found 2")
  }
}
