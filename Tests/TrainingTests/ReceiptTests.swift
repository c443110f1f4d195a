import Checkpoints
import Digests
import Foundation
import Runs
import TestSupport
import Testing
import Training

/// What a run leaves of each of its steps is the same wherever and however it is carried out.
@Suite struct ReceiptTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func receipt(_ run: String) throws -> Receipt { try Receipt(of: RunFolder(path: scratch(run))) }

  private func result(_ run: String) throws -> RunResult {
    try JSONDecoder().decode(RunResult.self, from: Data(try scratch.read(run + "/result.json")))
  }

  /// Nodes of one rank, ranks that share memory, and both; optimizers that divide an update by elements and by rows.
  @Test(arguments: ["mlp", "quick"])
  func itDoesNotDependOnTheRanks(_ recipe: String) throws {
    var links: [String] = []
    for (size, ranksPerNode) in [(1, 1), (3, 1), (3, 3), (5, 2)] {
      let name = "\(size)-\(ranksPerNode)"
      try ReceiptRun(size: size, ranksPerNode: ranksPerNode, recipe: recipe, steps: 9).train(
        in: scratch(name))
      let receipt = try receipt(name)
      #expect(receipt.lastStep == 9 && receipt.firstStep == 0)
      // The file, the records, the result and the checkpoints tell one thing.
      #expect(try Receipt(reading: scratch(name + "/receipt.safetensors")) == receipt)
      #expect(try result(name).receipt == receipt.lastLink.description)
      for step in [4, 8] {
        let file = try CheckpointFile(reading: scratch(name + "/checkpoints/step-00000\(step).safetensors"))
        #expect(file.contents.metadata["receipt"] == receipt.link(afterStep: step)?.description)
      }
      links.append(receipt.lastLink.description)
    }
    #expect(Set(links).count == 1, "\(links)")
    try ReceiptRun(recipe: recipe, steps: 9, seed: 1).train(in: scratch("seed"))
    #expect(try receipt("seed").lastLink.description != links[0])
  }

  @Test func aResumedRunGoesOnWithTheChain() throws {
    try ReceiptRun().train(in: scratch("whole"))
    try ReceiptRun(size: 2).train(in: scratch("run"))
    try ReceiptRun.unfinish(scratch("run"))
    let file = TrainingOptions.Resumption.file(scratch("run/checkpoints/step-000004.safetensors"))
    try ReceiptRun(size: 3, ranksPerNode: 3, resume: file).train(in: scratch("run"))
    #expect(try receipt("run") == receipt("whole"))

    // In another folder it goes on from the link, which ties the two together.
    try ReceiptRun(resume: file).train(in: scratch("other"))
    let (whole, other) = (try receipt("whole"), try receipt("other"))
    #expect(other.firstStep == 4 && other.base == whole.link(afterStep: 4))
    #expect(other.lastLink != whole.lastLink, "the conditions are chained again where it begins")
    #expect(other.digests == Array(whole.digests[4...]))
  }

  /// The model at the end says nothing of how it came about: the receipt beside it does.
  @Test func aFinishedRunCanBeExtended() throws {
    try ReceiptRun(steps: 8).train(in: scratch("run"))
    let before = try receipt("run")
    let notices = ReceiptRun.Notices()
    let file = TrainingOptions.Resumption.file(scratch("run/final.safetensors"))
    try ReceiptRun(resume: file, notices: notices).train(in: scratch("other"))
    #expect(try receipt("other").base == before.lastLink && notices.sentences.isEmpty)
    try FileManager.default.removeItem(atPath: scratch("run/receipt.safetensors"))
    try ReceiptRun(resume: file, notices: notices).train(in: scratch("third"))
    #expect(try receipt("third").base == nil && receipt("third").firstStep == 8)
    #expect(notices.sentences.contains { $0.contains("the run's receipt begins after step 8") })

    try ReceiptRun(resume: .newest).train(in: scratch("run"))
    let after = try receipt("run")
    #expect(after.firstStep == 0 && Array(after.digests.prefix(8)) == before.digests)
    // More steps are another recipe.
    #expect(after.segments.map(\.step) == [0, 8])
  }

  @Test func filesThatAreNoReceiptAreRefused() throws {
    try ReceiptRun(steps: 4).train(in: scratch("run"))
    let path = scratch("run/receipt.safetensors")
    let good = try CheckpointFile(reading: path).contents
    func refusal(_ change: (inout [String: String]) -> Void) throws -> String {
      var metadata = good.metadata
      change(&metadata)
      let contents = CheckpointContents(tensors: good.tensors, metadata: metadata, data: good.data)
      try CheckpointFile.write(contents, to: path)
      let error = #expect(throws: RunError.self) { try Receipt(reading: path) }
      #expect(error?.exitCode == 65)
      return error?.description ?? ""
    }
    for (key, value) in [
      ("firstStep", "-1"), ("firstStep", "x"), ("firstStep", "9223372036854775807"), ("base", "00"),
      ("segments", "[]"), ("segments", "{}"),
    ] {
      #expect(try refusal { $0[key] = value }.contains("expected a run's receipt"), "\(key) \(value)")
    }
    let other = String(repeating: "0", count: 64)
    #expect(try refusal { $0["receipt"] = other }.contains("expected \(other)"))
    #expect(throws: RunError.self) { try Receipt(reading: scratch("run/final.safetensors")) }
    // Records that were changed are told from the receipt that lies beside them.
    try CheckpointFile.write(good, to: path)
    let metrics = scratch("run/metrics.jsonl")
    let text = try String(contentsOfFile: metrics, encoding: .utf8)
    let digest = try #require(try receipt("run")[step: 3]).description
    try text.replacing(digest, with: String(repeating: "0", count: 32)).write(
      toFile: metrics, atomically: true, encoding: .utf8)
    let error = #expect(throws: RunError.self) { try receipt("run") }
    #expect(error?.description.contains("tell different things of step 3") == true)
  }
}
