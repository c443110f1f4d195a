import Digests
import Foundation
import Runs
import Testing

/// The chain of a run's steps.
@Suite struct ReceiptTests {
  private let conditions = Receipt.Conditions(
    recipe: #"{"seed":0}"#, dataset: "d", products: "defined", reduction: "reproducible")
  private var others: Receipt.Conditions {
    var others = conditions
    others.recipe = #"{"seed":1}"#
    return others
  }

  private func digest(_ step: Int) -> StepDigest {
    StepDigest(gradient: UInt64(step) &* 0x9E37_79B9_7F4A_7C15, parameters: ~UInt64(step))
  }

  private func receipt(steps: Int, changingAfter change: Int? = nil) -> Receipt {
    var receipt = Receipt(from: 0, base: nil, conditions: conditions)
    for step in 1...steps {
      receipt.append(digest(step))
      if step == change { receipt.open(others) }
    }
    return receipt
  }

  @Test func aDigestIsThirtyTwoDigits() throws {
    let digest = StepDigest(gradient: 0x0123_4567_89AB_CDEF, parameters: 1)
    #expect(digest.description == "0123456789abcdef0000000000000001")
    #expect(StepDigest(digest.description) == digest)
    #expect(digest.bytes == [0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    for text in ["", "0", String(repeating: "g", count: 32), "+" + String(repeating: "1", count: 31)] {
      #expect(StepDigest(text) == nil, "\(text)")
    }
  }

  /// As docs/reproducibility.md tells others to compute it.
  @Test func linksAreThoseOfTheDefinition() {
    var link = [UInt8](repeating: 0, count: 32)
    func chain(_ bytes: [UInt8]) { link = SHA256Digest(of: link + bytes).bytes }
    chain(Array("0\nd\ndefined\nreproducible\n{\"seed\":0}".utf8))
    chain(digest(1).bytes)
    chain(digest(2).bytes)
    let two = link
    chain(Array("2\nd\ndefined\nreproducible\n{\"seed\":1}".utf8))
    chain(digest(3).bytes)
    let receipt = receipt(steps: 3, changingAfter: 2)
    #expect(receipt.lastLink.bytes == link)
    #expect(receipt.link(afterStep: 2)?.bytes == two)
    #expect(receipt.link(afterStep: 0)?.bytes == [UInt8](repeating: 0, count: 32))
    #expect(receipt.link(afterStep: 4) == nil)
    // However often links are asked for on the way.
    var chain = Receipt.Chain(receipt)
    for step in 0...3 { chain.advance(to: step, in: receipt) }
    #expect(chain.link.bytes == link)
  }

  @Test func conditionsWithoutAStepAreForgotten() {
    var receipt = receipt(steps: 2, changingAfter: 2)
    receipt.open(conditions)
    #expect(receipt == self.receipt(steps: 2))
    receipt.open(conditions)
    receipt.append(digest(3))
    #expect(receipt == self.receipt(steps: 3))
    #expect(receipt.segment(ofStep: 3).step == 0)
    #expect(self.receipt(steps: 3, changingAfter: 2).segment(ofStep: 3).conditions == others)
  }

  @Test func whatIsOutOfOrderIsNoReceipt() {
    let segment = { Receipt.Segment(step: $0, conditions: self.conditions) }
    let digests = [digest(1), digest(2)]
    #expect(Receipt(from: 0, base: nil, segments: [segment(0), segment(2)], digests: digests) != nil)
    for steps in [[], [1], [0, 3], [0, 0], [0, 2, 1]] {
      #expect(
        Receipt(from: 0, base: nil, segments: steps.map(segment), digests: digests) == nil, "\(steps)")
    }
  }

  // MARK: - From records

  /// The history of a run whose records are these: openings, and steps with or without digests.
  private func history(_ lines: [String]) throws -> RunHistory {
    let scratch = try Scratch()
    let folder = RunFolder(path: scratch.path)
    try #require(Recipe.named("quick")).json().write(toFile: folder.recipe, atomically: true, encoding: .utf8)
    try lines.joined(separator: "\n").appending("\n").write(
      toFile: folder.metrics, atomically: true, encoding: .utf8)
    return try RunHistory(folder: folder)
  }

  private func opening(_ event: String, step: Int, _ conditions: Receipt.Conditions, link: String?) throws
    -> String
  {
    let record = EventRecord(
      event: event, step: step, time: 0, ranks: 1,
      receipt: Receipt.Opening(conditions: conditions, link: link))
    return String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
  }

  private func steps(_ range: ClosedRange<Int>, withDigests: Bool = true) throws -> [String] {
    try range.map { step in
      let record = StepRecord(
        step: step, epoch: 1, loss: 1, accuracy: 1, learningRate: 1, seconds: PhaseTimes(),
        digest: withDigests ? digest(step) : nil)
      return String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
    }
  }

  @Test func recordsOfAResumedRunAreOneReceipt() throws {
    let whole = receipt(steps: 4)
    let link = receipt(steps: 2).lastLink.description
    let start = try opening("start", step: 0, conditions, link: nil)
    let lines = try [start, start] + steps(1...2) + [opening("resume", step: 2, conditions, link: link)]
    #expect(Receipt(try history(lines + steps(3...4))) == whole)
    // With another recipe a segment begins.
    let changed = try lines.dropLast() + [opening("resume", step: 2, others, link: link)] + steps(3...4)
    #expect(
      Receipt(try history(Array(changed))) == receipt(steps: 2, changingAfter: 2).appending([3, 4], digest))
    // Where the chain is not the one of the records, or not known, it begins anew.
    for other in [String(repeating: "0", count: 64), nil] {
      let lines =
        try [start] + steps(1...2) + [opening("resume", step: 2, conditions, link: other)] + steps(3...4)
      let receipt = try #require(Receipt(try history(lines)))
      #expect(receipt.firstStep == 2 && receipt.lastStep == 4)
      #expect(receipt.base?.description == other)
    }
  }

  @Test func recordsOfOlderVersionsHaveNoReceipt() throws {
    let start = try opening("start", step: 0, conditions, link: nil)
    #expect(Receipt(try history(try steps(1...3, withDigests: false))) == nil)
    #expect(Receipt(try history(try [start] + steps(1...2) + steps(4...5))) == nil, "a step is missing")
    #expect(Receipt(try history([start]))?.digests.isEmpty == true)
  }
}

extension Receipt {
  fileprivate func appending(_ steps: [Int], _ digest: (Int) -> StepDigest) -> Receipt {
    var receipt = self
    for step in steps { receipt.append(digest(step)) }
    return receipt
  }
}
