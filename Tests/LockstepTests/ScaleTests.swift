import Foundation
import Testing

extension RealRanks {
  /// `lockstep scale`, as a user sees it.
  @Suite struct ScaleTests {
    private let problem = ["--", "--data", "synthetic:600", "--validation", "100", "--epochs", "1"]

    @Test func aLadderLeavesATableAPlotAndTheFigures() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: Command.binary,
        arguments: ["scale", "--ranks", "1,3", "--both", "--repeats", "1", "--out", scratch("out")] + problem
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("all strong runs ended with the same model"), "\(outcome.output)")
      let csv = try String(contentsOfFile: scratch("out/scaling.csv"), encoding: .utf8)
        .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      #expect(
        csv.dropFirst().map { "\($0[0]) \($0[1]) \($0[2])" } == [
          "strong 1 64", "strong 3 64", "weak 1 64", "weak 3 192",
        ])
      #expect(csv[1][12] == csv[2][12] && csv[1][12] == csv[3][12] && csv[1][12] != csv[4][12])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: scratch("out")).sorted()
          == ["scaling.csv", "scaling.json", "scaling.svg"])
    }

    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1, "needs two cores"))
    func whatIsLostIsExplained() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: Command.binary,
        arguments: ["scale", "--ranks", "1,2", "--explain", "--repeats", "1", "--out", scratch("out")]
          + problem
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("run 3 of 3: 2 copies at once"))
      #expect(outcome.output.contains(/strong +2 +[0-9,]+ +[0-9,]+–[0-9,]+ +[0-9.]+ % +[0-9.]+ % +[0-9.]+ %/))
      let data = try Data(contentsOf: URL(fileURLWithPath: scratch("out/scaling.json")))
      let record = try JSONDecoder().decode(Record.self, from: data)
      let explanation = try #require(record.explanations.first).explanation
      let lost = explanation.losses.reduce(0) { $0 + $1.share }
      #expect(abs(1 - lost - explanation.machineEfficiency * explanation.ceilingEfficiency) < 1e-9)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: scratch("out")).sorted()
          == ["scaling.csv", "scaling.json", "scaling.svg"])
    }

    /// As mpirun does where a hostfile gives no slots, it counts the cores.
    @Test func aHostfileMayLeaveTheSlotsOut() throws {
      let scratch = try ScratchFolder()
      let tooMany = ProcessInfo.processInfo.activeProcessorCount + 1
      try Data("# this machine\nlocalhost\n".utf8).write(to: URL(fileURLWithPath: scratch("hosts")))
      let outcome = try Command(
        executable: Command.binary,
        arguments: [
          "scale", "--ranks", "1,\(tooMany)", "--repeats", "1", "--out", scratch("out"), "--hostfile",
          scratch("hosts"),
        ] + problem + ["--global-batch", "256", "--micro-batch", "4"]
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(" \(tooMany)*") && !outcome.output.contains(" 1*"), "\(outcome.output)")
    }

    private struct Record: Decodable {
      struct Loss: Decodable {
        var share: Double
      }
      struct Explanation: Decodable {
        var machineEfficiency: Double
        var ceilingEfficiency: Double
        var losses: [Loss]
      }
      struct Explained: Decodable {
        var explanation: Explanation
      }
      var explanations: [Explained]
    }

    @Test func aCurveIsComputedFromOneRank() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: Command.binary,
        arguments: [
          "scale", "--project", "64", "--network", "10gbit,20us", "--repeats", "1", "--out", scratch("out"),
        ] + problem
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.output.hasPrefix("computed, not measured: recipe quick-changed, strong"), "\(outcome.output)")
      // 64 samples in micro-batches of 4 are work for 16 ranks.
      #expect(outcome.output.contains("more than 16 ranks would have no work"))
      #expect(FileManager.default.fileExists(atPath: scratch("out/projection.svg")))
    }

    @Test func coresThatDifferAreShownInBothDeals() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: Command.binary,
        arguments: [
          "scale", "--project", "8", "--network", "10gbit,20us", "--ranks-per-node", "4", "--core-speeds",
          "1,1,0.5", "--repeats", "1", "--out", scratch("out"),
        ] + problem
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("taking, images/s"), "\(outcome.output)")
      #expect(outcome.output.contains(/[ ]4 +1 +64 .* memory .* % .* % .* %\n/), "\(outcome.output)")
    }

    @Test func theReductionIsTimedByItself() throws {
      let outcome = try Command.ranks(3, ["reduction", "--elements", "5000", "--repeats", "3"]).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(/direct +[0-9.]+ +[0-9.]+/), "\(outcome.output)")
      #expect(outcome.output.contains(/halving +[0-9.]+ +[0-9.]+/))
      #expect(outcome.output.contains(/memory +[0-9.]+ +[0-9.]+/))
    }

    @Test(arguments: [
      (["--ranks", "1,x"], Int32(64), "expected different numbers"), (["--", "--bogus"], 64, "--bogus"),
      (["--project", "64"], 64, "--project needs --network"),
      (["--ranks", "2,4", "--explain"], 64, "--explain compares with one rank"),
      (["--project", "64", "--network", "fast"], 64, "found 'fast'"),
      (["--core-speeds", "1,0.5"], 64, "belong to --project"),
      (
        ["--project", "8", "--network", "1gbit,9us", "--core-speeds", "1,fast"], 64,
        "--core-speeds: expected speeds from 0.001 to 1000 with commas, e.g. 1,1,0.55, found '1,fast'"
      ),
      (
        ["--project", "8", "--network", "1gbit,9us", "--ranks-per-node", "2", "--core-speeds", "1,1,1"], 64,
        "--core-speeds names 3 speeds, and a node has 2 ranks"
      ),
      (["--", "--run", "x"], 64, "'--run' is scale's own"),
      (["--hostfile", "/nonexistent"], 66, "/nonexistent"),
      (
        ["--ranks", "17", "--repeats", "1", "--out", "/tmp/lockstep-scale", "--", "--data", "synthetic:600"],
        64,
        "the run with 17 ranks ended with code 64"
      ),
    ])
    func wrongUseIsExplained(_ words: [String], _ code: Int32, _ sentence: String) throws {
      let outcome = try Command(executable: Command.binary, arguments: ["scale"] + words).run()
      try? FileManager.default.removeItem(atPath: "/tmp/lockstep-scale")
      #expect(outcome.code == code && outcome.errors.contains(sentence), "\(outcome.code) \(outcome.errors)")
    }
  }
}
