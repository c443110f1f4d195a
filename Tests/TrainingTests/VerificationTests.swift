import Checkpoints
import Collectives
import Foundation
import Runs
import TestSupport
import Testing
import Training

/// Runs that are taken again, and what is found in those that were not computed as they say.
@Suite struct VerificationTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Verifies a run on some ranks; the root's findings.
  private func verify(
    _ run: String, size: Int = 1, ranksPerNode: Int = 1,
    _ change: (inout VerificationRequest) -> Void = { _ in }
  ) throws -> Verification {
    var request = VerificationRequest(folder: RunFolder(path: scratch(run)))
    change(&request)
    let all = try InProcessWorld(size: size, ranksPerNode: ranksPerNode, stallTimeout: 60).run {
      [request] world in
      try Training.verify(request, over: world, openDataset: ReceiptRun.openDataset, notice: { _ in })
    }
    #expect(Set(all.map { $0.difference == nil }).count == 1, "all ranks end alike")
    return try #require(all.first)
  }

  /// The files of a folder with their contents.
  private func contents(_ folder: String) throws -> [String: Data] {
    let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, FileManager.default.contents(atPath: folder + "/" + $0) ?? Data())
      })
  }

  @Test func aSoundRunIsTheSameOnOtherRanks() throws {
    try ReceiptRun(size: 2, ranksPerNode: 2).train(in: scratch("run"))
    let before = try contents(scratch("run"))
    for (size, ranksPerNode) in [(1, 1), (3, 1), (4, 2)] {
      let all = try verify("run", size: size, ranksPerNode: ranksPerNode)
      #expect(all.difference == nil && all.taken == 12 && all.total == 12 && all.ranks == size)
      // Those after steps 4, 8 and 12, and the model at the end.
      #expect(all.checkpoints == 4 && all.plan.omissions.isEmpty)
    }
    // From the checkpoint before: step 5 is on the way.
    let piece = try verify("run") { $0.steps = 6...7 }
    #expect(piece.taken == 3 && piece.difference == nil)
    let sample = try verify("run", size: 2) { $0.sample = 2 }
    #expect(sample.plan.drawn == 2 && sample.plan.checkable == 12 && sample.difference == nil)
    #expect(sample.text.contains("2 of 12 steps were drawn"))
    #expect(try contents(scratch("run")) == before, "nothing was changed")
  }

  /// The fault is in one rank's gradient, so that all ranks go on with the same wrong parameters.
  @Test func aFlippedBitIsFound() throws {
    try ReceiptRun(steps: 1).train(in: scratch("sound"))
    // The last bias of the last layer: its gradient is never zero.
    let element = try ReceiptRunTensors(scratch("sound")).count - 1
    let fault = GradientFault(rank: 1, step: 6, element: element, bit: 20)
    try ReceiptRun(size: 2, fault: fault).train(in: scratch("run"))
    guard case .step(6, let recorded, let found) = try verify("run", size: 3).difference else {
      Issue.record("the wrong step is not named")
      return
    }
    #expect(recorded.gradient != found.gradient)
    // What came of the wrong step was computed right.
    #expect(try verify("run") { $0.steps = 9...12 }.difference == nil)
  }

  @Test func aRecordOrACheckpointThatWasChangedIsFound() throws {
    try ReceiptRun().train(in: scratch("run"))
    let metrics = scratch("run/metrics.jsonl")
    let text = try String(contentsOfFile: metrics, encoding: .utf8)
    let loss = try #require(text.firstMatch(of: /"step":7,"epoch":1,"loss":([0-9.]+),/)).1
    try text.replacing(loss, with: "0.125").write(toFile: metrics, atomically: true, encoding: .utf8)
    guard case .loss(7, 0.125, _) = try verify("run").difference else {
      Issue.record("the changed loss is not found")
      return
    }
    try text.write(toFile: metrics, atomically: true, encoding: .utf8)

    // An intact file, with one bit of a moment changed: nobody but whoever takes the steps can tell.
    let path = scratch("run/checkpoints/step-000008.safetensors")
    let sound = try CheckpointFile(reading: path).contents
    var data = Array(sound.data)
    data[data.count - 1] ^= 1
    try CheckpointFile.write(
      CheckpointContents(tensors: sound.tensors, metadata: sound.metadata, data: data[...]), to: path)
    guard case .checkpoint(let words) = try verify("run").difference else {
      Issue.record("the changed moment is not found")
      return
    }
    #expect(
      words.contains("step-000008.safetensors: optimizer.") && words.contains("is not what the steps lead to")
    )
    data = Array(sound.data)
    data[0] ^= 1
    try CheckpointFile.write(
      CheckpointContents(tensors: sound.tensors, metadata: sound.metadata, data: data[...]), to: path)
    guard case .checkpoint(let words) = try verify("run", size: 2, { $0.steps = 9...9 }).difference else {
      Issue.record("the changed parameters are not found")
      return
    }
    #expect(words.contains("its parameters are not those that the receipt has after step 8"))
  }

  @Test func whatCannotBeCheckedIsSaid() throws {
    func refusal(_ run: String, _ change: (inout VerificationRequest) -> Void = { _ in }) -> RunError? {
      #expect(throws: RunError.self) { try verify(run, size: 2, change) }
    }
    try ReceiptRun(reduction: .native).train(in: scratch("native"))
    #expect(refusal("native")?.description.contains("--reduction native") == true)
    #expect(refusal("none")?.exitCode == 66)
    try ReceiptRun(checkpointEvery: 4).train(in: scratch("run"))
    #expect(refusal("run") { $0.steps = 5...13 }?.exitCode == 64)
    // Steps between the link that a run goes on from and its first checkpoint.
    let file = scratch("run/checkpoints/step-000004.safetensors")
    try ReceiptRun(resume: .file(file)).train(in: scratch("other"))
    let rest = try verify("other", size: 2)
    #expect(rest.taken == 4 && rest.difference == nil)
    #expect(
      rest.plan.omissions.first?.contains("steps 5 to 8 cannot be checked: no checkpoint before them") == true
    )
    let whole = try verify("other") { $0.checkpoints = [file] }
    #expect(whole.taken == 8 && whole.difference == nil && whole.plan.omissions.isEmpty)
  }

  // MARK: - Plans

  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  private func plan(
    _ segments: [(Int, String)], last: Int, steps: ClosedRange<Int>, sample: Int? = nil, starts: [Int],
    seed: UInt64 = 1
  ) throws -> VerificationPlan {
    let receipt = try #require(
      Receipt(
        from: segments[0].0, base: nil,
        segments: segments.map {
          Receipt.Segment(
            step: $0.0,
            conditions: Receipt.Conditions(recipe: "", dataset: "", products: $0.1, reduction: "reproducible")
          )
        },
        digests: Array(repeating: StepDigest(gradient: 0, parameters: 0), count: last - segments[0].0)))
    var dice = Dice(state: seed)
    return VerificationPlan(
      receipt, steps: steps, sample: sample,
      starts: starts.map { ReplayStart(step: $0, file: $0 == 0 ? nil : "\($0)") },
      obstacle: { $0.products == "other" ? "other products" : nil }, using: &dice)
  }

  private func pieces(_ plan: VerificationPlan) -> [[Int]] { plan.pieces.map { [$0.start.step, $0.end] } }

  @Test func piecesBeginWithTheNearestState() throws {
    let all = try plan([(0, "")], last: 100, steps: 1...100, starts: [60, 0, 40, 100])
    #expect(
      pieces(all) == [[0, 40], [40, 60], [60, 100]] && all.checkable == 100 && all.omissions.isEmpty)
    #expect(try pieces(plan([(0, "")], last: 100, steps: 45...50, starts: [0, 40, 60])) == [[40, 50]])
    #expect(try pieces(plan([(0, "")], last: 100, steps: 41...41, starts: [0, 40])) == [[40, 41]])
    let late = try plan([(10, "")], last: 100, steps: 11...100, starts: [0, 40])
    #expect(pieces(late) == [[40, 100]])
    #expect(
      late.omissions == [
        "steps 11 to 40 cannot be checked: no checkpoint before them is left to begin with, and the receipt begins after "
          + "step 10"
      ])
  }

  @Test func stepsOfOtherProductsAreLeftOut() throws {
    let segments = [(0, ""), (20, "other"), (50, "")]
    let plan = try plan(segments, last: 100, steps: 1...100, starts: [0, 40, 60])
    #expect(pieces(plan) == [[0, 20], [60, 100]] && plan.checkable == 60)
    #expect(
      plan.omissions == [
        "steps 21 to 50 cannot be checked: other products",
        "steps 51 to 60 cannot be checked: no checkpoint before them is left to begin with",
      ])
  }

  /// Each step is drawn as often as any other, and never twice.
  @Test func stepsAreDrawnEvenly() throws {
    var counts = [Int](repeating: 0, count: 21)
    for seed in 0..<2000 {
      let plan = try plan([(0, "")], last: 20, steps: 1...20, sample: 1, starts: [0, 10], seed: UInt64(seed))
      #expect(plan.drawn == 1 && plan.pieces.count == 1)
      counts[try #require(plan.pieces.first).end] += 1
    }
    #expect(counts[1...].allSatisfy { 50...160 ~= $0 }, "\(counts)")
    let all = try plan([(0, "")], last: 20, steps: 1...20, sample: 50, starts: [0, 10])
    #expect(all.drawn == 20 && pieces(all) == [[0, 10], [10, 20]])
  }

  /// 100 steps, 10 of them wrong, 2 drawn: 90/100 · 89/99.
  @Test func chancesAreHypergeometric() {
    let chance = VerificationPlan.chanceOfMissing(share: 0.1, drawn: 2, count: 100)
    #expect(abs(chance - 0.9 * 89 / 99) < 1e-12)
    #expect(VerificationPlan.chanceOfMissing(share: 0.1, drawn: 91, count: 100) == 0)
    #expect(VerificationPlan.chanceOfMissing(share: 0.1, drawn: 0, count: 100) == 1)
  }
}
