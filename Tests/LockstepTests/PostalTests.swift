import Foundation
import Testing

extension RealRanks {
  /// `lockstep postal`.
  @Suite struct PostalTests {
    @Test func theKnownAnswer() throws {
      let outcome = try Command(executable: Command.binary, arguments: ["postal", "--accuracy", "99.03"])
        .run()
      #expect(outcome.code == 0)
      #expect(outcome.output.contains("codes of 5 right      95.24 %"), "\(outcome.output)")
    }

    /// The figures are those of `evaluate`, and the threshold saves something on drawn digits with mistakes.
    @Test func aModelsFigures() throws {
      let scratch = try ScratchFolder()
      let data = ["--data", "synthetic:3000"]
      try #require(
        try Command(
          executable: Command.binary,
          arguments: [
            "train", "--quiet", "--no-report", "--epochs", "2", "--validation", "600", "--run",
            scratch("run"),
          ] + data
        ).run().code == 0)
      struct Scores: Decodable {
        var testAccuracy: Double
        var testErrors: Int
      }
      struct Figures: Decodable {
        struct Reject: Decodable {
          struct Point: Decodable {
            var manualShare: Double
            var cost: Double
          }
          var temperature: Double
          var chosen: Point
          var atRejectRates: [Point]
        }
        struct Throughput: Decodable {
          var oneCore: Double
          var allCores: Double
        }
        var digitsRead: Int
        var digitsRight: Int
        var codeAccuracy: Double
        var codeAccuracyInterval: [Double]
        var costIfMisrouted: Double
        var reject: Reject
        var throughput: Throughput
      }
      func figures<T: Decodable>(_ words: [String], _ type: T.Type) throws -> T {
        let outcome = try Command(
          executable: Command.binary,
          arguments: words + ["--json", "--model", scratch("run/final.safetensors")] + data
        ).run()
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try JSONDecoder().decode(type, from: Data(outcome.output.utf8))
      }
      let scores = try figures(["evaluate"], Scores.self)
      let postal = try figures(["postal", "--digits", "3"], Figures.self)
      #expect(postal.digitsRead - postal.digitsRight == scores.testErrors)
      #expect(abs(postal.codeAccuracy - pow(scores.testAccuracy / 100, 3)) < 1e-12)
      #expect(postal.codeAccuracyInterval[0] < postal.codeAccuracy)
      #expect(postal.codeAccuracyInterval[1] > postal.codeAccuracy)
      #expect(postal.reject.atRejectRates[0].manualShare == 0)
      #expect(postal.reject.atRejectRates[0].cost == postal.costIfMisrouted)
      #expect(
        postal.reject.temperature > 0 && postal.throughput.oneCore > 0 && postal.throughput.allCores > 0)
    }

    @Test(arguments: [
      (["postal"], "give either --model or --accuracy"), (["postal", "--accuracy", "101"], "found 101"),
      (["postal", "--accuracy", "99", "--digits", "0"], "--digits must be from 1 to 20"),
      (["postal", "--accuracy", "99", "--letters=-1"], "--letters must be at least 0"),
      (["postal", "--accuracy", "99", "--letters", "1e13"], "--letters must be from 0 to 1000000000000"),
    ])
    func wrongUseIsExplained(_ words: [String], _ sentence: String) throws {
      let outcome = try Command(executable: Command.binary, arguments: words).run()
      #expect(outcome.code == 64 && outcome.errors.contains(sentence), "\(outcome.errors)")
    }
  }
}
