import Foundation
import Runs
import Tensors
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
    // The same bytes in each process, so that what is damaged below is the same.
    encoder.outputFormatting = .sortedKeys
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
      try record { $0.result.steps = .max }, try record { $0.result.samples = 1 << 52 },
      try record { $0.result.validation?.correct = 11 },
      try record { $0.result.curve = [-1] },
    ]
    for line in lines {
      try scratch.write("journal", Array((Self.event + line + Self.event).utf8))
      #expect { try Journal(path: scratch("journal")) } throws: { error in
        (error as? RunError)?.exitCode == 65 && "\(error)".contains("line 2")
      }
    }
  }

  /// Infinite losses are written as texts, but a parameter's text is no number.
  @Test(arguments: ["inf", "-inf", "nan"]) func textsThatNameNumbersStayTexts(_ text: String) throws {
    let scratch = try Scratch()
    try scratch.write("journal", Array((Self.event + record { $0.values = ["shift": .text(text)] }).utf8))
    let journal = try Journal(path: scratch("journal"))
    #expect(journal.records.map(\.values) == [["shift": .text(text)]])
    #expect(journal.records.first?.values["shift"]?.words == text)
  }

  /// Whatever numbers stand in a journal, it is refused, or there are a screen and a page.
  @Test func damagedJournalsAreRefusedOrShown() throws {
    let scratch = try Scratch()
    let whole = Array(
      try
        (Self.event + record()
        + record {
          $0.result.divergence = .init(step: 3, sentence: "lost"); $0.result.validation = nil
        }).utf8)
    let words = ["1e308", "-1", "9223372036854775807", "null", "\"nan\"", "\"inf\"", "[]", "{}", "0", "\n"]
      .map { Array($0.utf8) }
    let space = try #require(SearchSpace.named("quick"))
    let settings = SearchSettings(
      SearchSettings.Source(space: space.document, sampler: .sobol, seed: 0, trials: 9), eta: 3, rungs: 3)
    var shown = 0
    for number in 0..<600 {
      let generator = CounterGenerator(seed: 5, for: .test, UInt64(number))
      var bytes = whole
      let place = generator.below(bytes.count, at: 1)
      let count = min(generator.below(4, at: 2), bytes.count - place)
      bytes.replaceSubrange(place..<place + count, with: words[generator.below(words.count, at: 3)])
      try scratch.write("journal", bytes)
      do {
        let screen = SearchScreen(
          folder: TrialFolder(path: "folder", kind: .search), settings: settings,
          journal: try Journal(path: scratch("journal")), status: .running)
        _ = (screen.lines(columns: 80), screen.outcome, try SearchReport(screen).html())
        shown += 1
      } catch let error as RunError {
        #expect(error.exitCode == 65)
      }
    }
    #expect(shown > 20)
  }
}
