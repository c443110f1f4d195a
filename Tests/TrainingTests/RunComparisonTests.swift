import Foundation
import Runs
import TestSupport
import Testing
import Training

/// Where two runs part that should be equal.
@Suite struct RunComparisonTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func compare(_ first: String, _ second: String) throws -> RunComparison {
    try compareRuns(
      RunFolder(path: scratch(first)), RunFolder(path: scratch(second)), openDataset: ReceiptRun.openDataset,
      notice: { _ in })
  }

  @Test func equalRunsAreEqual() throws {
    try ReceiptRun().train(in: scratch("a"))
    try ReceiptRun(size: 3, ranksPerNode: 3, steps: 12, checkpointEvery: nil).train(in: scratch("b"))
    let comparison = try compare("a", "b")
    #expect(comparison.parting == nil && comparison.settings.isEmpty && comparison.common == 1...12)
    #expect(comparison.text(("a", "b")) == "steps 1 to 12 are the same")
  }

  /// From 16 bytes a step and a healthy replay: the value, the micro-batch and the bit.
  @Test(arguments: [(3, 22), (1, 29), (7, 31)])
  func aFlippedBitIsNamed(_ step: Int, _ bit: Int) throws {
    // The last bias of the last layer: its gradient is never zero.
    try ReceiptRun().train(in: scratch("sound"))
    let last = try ReceiptRunTensors(scratch("sound"))
    let fault = GradientFault(rank: 0, step: step, element: last.count - 1, bit: bit)
    try ReceiptRun(size: 1, fault: fault).train(in: scratch("faulty"))
    for (first, second, inSecond) in [("sound", "faulty", true), ("faulty", "sound", false)] {
      let comparison = try compare(first, second)
      let parting = try #require(comparison.parting)
      #expect(parting.step == step && comparison.settings.isEmpty)
      guard case .fault(inSecond, let found?) = parting.cause else {
        Issue.record("\(parting.cause)")
        return
      }
      #expect(found.isInGradient && found.tensor == last.lastTensor && found.index == [9])
      #expect(found.flips.contains { $0.microBatch == 1 && $0.bit == bit }, "\(found.flips)")
      #expect(comparison.text(("a", "b")).contains("was not computed as its recipe says"))
    }
  }

  @Test func anotherLearningRateShowsInTheUpdate() throws {
    try ReceiptRun().train(in: scratch("a"))
    let file = TrainingOptions.Resumption.file(scratch("a/checkpoints/step-000004.safetensors"))
    try ReceiptRun(learningRate: 0.5, resume: file).train(in: scratch("b"))
    let comparison = try compare("a", "b")
    #expect(comparison.settings.map(\.name) == ["optimizer.learningRate"] && comparison.common == 5...12)
    let parting = try #require(comparison.parting)
    #expect(parting.step == 5 && parting.first.gradient == parting.second.gradient)
    guard case .conditions(.update, let values) = parting.cause else {
      Issue.record("\(parting.cause)")
      return
    }
    #expect(values.differing > 0 && values.maximum > 0)
  }

  @Test func anotherSeedShowsInTheWeights() throws {
    try ReceiptRun().train(in: scratch("a"))
    try ReceiptRun(seed: 7).train(in: scratch("b"))
    let comparison = try compare("a", "b")
    #expect(comparison.settings == [RunComparison.Setting(name: "seed", first: "0", second: "7")])
    guard case .conditions(.initialWeights, _) = comparison.parting?.cause else {
      Issue.record("\(String(describing: comparison.parting?.cause))")
      return
    }
  }

  @Test func otherNetworksAreNotReplayed() throws {
    try ReceiptRun(steps: 4).train(in: scratch("a"))
    try ReceiptRun(recipe: "linear", steps: 4).train(in: scratch("b"))
    let comparison = try compare("a", "b")
    guard case .unknown(let sentence) = comparison.parting?.cause else {
      Issue.record("\(String(describing: comparison.parting?.cause))")
      return
    }
    #expect(sentence.contains("with another network"))
    try ReceiptRun(steps: 4, reduction: .native).train(in: scratch("c"))
    // One rank adds up in order: the same numbers, by luck or in other bits, yet no re-execution.
    if case .unknown(let sentence) = try compare("a", "c").parting?.cause {
      #expect(sentence.contains("--reduction native"))
    }
  }
}
