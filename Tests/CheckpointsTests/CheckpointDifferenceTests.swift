import Checkpoints
import Testing

@Suite struct CheckpointDifferenceTests {
  private func contents(
    _ values: [(name: String, shape: [Int], floats: [Float])], _ metadata: [String: String] = [:]
  ) -> CheckpointContents {
    CheckpointsTests.contents(
      values.map { TensorDescription(name: $0.name, shape: $0.shape) }, values.flatMap(\.floats),
      metadata: metadata)
  }

  @Test func equalContentsDoNotDiffer() {
    #expect(CheckpointDifference(between: smallContents(), and: smallContents()).isEmpty)
    // The order of the data is no difference.
    let one = contents([("a", [1], [1]), ("b", [1], [2])])
    let other = contents([("b", [1], [2]), ("a", [1], [1])])
    #expect(CheckpointDifference(between: one, and: other).isEmpty)
  }

  @Test func everyKindOfDifference() {
    let one = contents(
      [
        ("same", [2], [1, .nan]), ("values", [2, 2], [1, 2, 3, 4]), ("shape", [2, 1], [1, 2]),
        ("removed", [1], [0]), ("zero", [1], [0]), ("infinite", [2], [.nan, 1]),
      ], ["epoch": "1", "recipe": "x", "gone": "y"])
    let other = contents(
      [
        ("same", [2], [1, .nan]), ("values", [2, 2], [1, 2.5, 3, 2]), ("shape", [1, 2], [1, 2]),
        ("zero", [1], [-0.0]), ("infinite", [2], [1, 1]), ("added", [1], [0]),
      ], ["epoch": "2", "recipe": "x", "came": "z"])
    let difference = CheckpointDifference(between: one, and: other)
    #expect(!difference.isEmpty)
    #expect(difference.metadata.map(\.key) == ["came", "epoch", "gone"])
    #expect(difference.metadata.map(\.first) == [nil, "1", "y"])
    #expect(difference.metadata.map(\.second) == ["z", "2", nil])
    let names = ["values", "shape", "removed", "zero", "infinite", "added"]
    #expect(difference.tensors.map(\.name) == names)
    #expect(
      difference.tensors.map(\.change) == [
        .elements(differing: 2, count: 4, maximum: 2),
        .description(
          first: TensorDescription(name: "shape", shape: [2, 1]),
          second: TensorDescription(name: "shape", shape: [1, 2])),
        .onlyInFirst,
        .elements(differing: 1, count: 1, maximum: 0),
        .elements(differing: 1, count: 2, maximum: .infinity),
        .onlyInSecond,
      ])
  }
}
