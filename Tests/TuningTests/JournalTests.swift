import Foundation
import Runs
import TestSupport
import Testing
import Training
import Tuning

/// Journals as jobs leave them, and as others do.
@Suite struct JournalTests {
  private static let event = "{\"event\":\"start\",\"ranks\":2,\"time\":5}\n"

  private func record(_ change: (inout TrialRecord) -> Void = { _ in }) throws -> String {
    var result = TrialResult()
    result.validation = TrialResult.Score(accuracy: 90, loss: .infinity, correct: 9, count: 10)
    var record = TrialRecord(
      digest: String(repeating: "a", count: 64), trial: 1, rung: 0, values: ["shift": .whole(1)],
      recipe: .object([:]),
      result: result, ranks: [0], seconds: 1, time: 6)
    change(&record)
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(record), as: UTF8.self) + "\n"
  }

  @Test func aLastLineWithoutItsEndIsLeftOut() throws {
    let scratch = try Scratch()
    let text = try Self.event + record()
    for length in 0...text.utf8.count {
      try scratch.write("journal", Array(text.utf8.prefix(length)))
      let journal = try Journal(path: scratch("journal"))
      #expect(journal.events.count == (length >= Self.event.utf8.count ? 1 : 0))
      #expect(journal.records.count == (length == text.utf8.count ? 1 : 0))
    }
    #expect(try Journal(path: scratch("none")).records.isEmpty)
  }

  @Test func whatIsNoJournalIsRefused() throws {
    let scratch = try Scratch()
    let lines = [
      "hello\n", "\n", "{}\n", "{\"event\":\"trial\"}\n", "[1]\n",
      try record { $0.trial = -1 }, try record { $0.rung = 5000 }, try record { $0.digest = "12" },
      try record { $0.result.validation?.accuracy = 101 },
      try record { $0.result.validation?.accuracy = .nan },
      try record { $0.result.steps = .max }, try record { $0.result.validation?.correct = 11 },
      try record { $0.result.curve = [-1] },
    ]
    for line in lines {
      try scratch.write("journal", Array((Self.event + line + Self.event).utf8))
      #expect { try Journal(path: scratch("journal")) } throws: { error in
        (error as? RunError)?.exitCode == 65 && "\(error)".contains("line 2")
      }
    }
  }
}
