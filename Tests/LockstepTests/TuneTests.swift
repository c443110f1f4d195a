import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

extension RealRanks {
  /// Searches and studies by the real program, on real ranks.
  @Suite struct TuneTests {
    private static let space = """
      {"recipe": {"name": "mlp", "validation": 300, "epochs": 3, "microBatch": 8}, "parameters": {
        "globalBatch": {"choices": [32, 64]}, "optimizer.learningRate": {"log": [0.0005, 0.05]},
        "labelSmoothing": {"range": [0, 0.2]}, "averaging": {"choices": [null, 0.9]}}}
      """

    private let scratch: ScratchFolder

    init() throws {
      scratch = try ScratchFolder()
      try Self.space.write(toFile: scratch("space.json"), atomically: true, encoding: .utf8)
      // A search that is still going on for some seconds after its first trials.
      try Self.space.replacingOccurrences(of: "\"epochs\": 3", with: "\"epochs\": 24")
        .write(toFile: scratch("long.json"), atomically: true, encoding: .utf8)
    }

    private func words(
      _ out: String, _ more: [String] = [], space: String = "space.json", data: String = "synthetic:1500:2"
    ) -> [String] {
      ["tune", scratch(space), "--out", scratch(out), "--data", data, "--trials", "9"] + more
    }

    private func text(_ path: String) throws -> String {
      try String(contentsOfFile: scratch(path), encoding: .utf8)
    }

    private func journal(_ out: String) throws -> [[String: Any]] {
      try text(out + "/search.jsonl").split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
      }
    }

    @Test func theTableIsTheSameAtAnyNumberOfRanks() throws {
      let alone = try Command(executable: Command.binary, arguments: words("1")).run()
      try #require(alone.code == 0, "\(alone.errors)")
      #expect(alone.output.components(separatedBy: "rung 0  trial").count == 10)
      for (ranks, more) in [(2, []), (3, ["--ranks-per-trial", "2"]), (4, ["--quiet"])] as [(Int, [String])] {
        let outcome = try Command.ranks(ranks, words("\(ranks)", more)).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("best: trial"), "\(outcome.output)")
        for name in ["table.csv", "best.json"] {
          #expect(try text("\(ranks)/\(name)") == text("1/\(name)"), "\(ranks)")
        }
        let last = try journal("\(ranks)").last { $0["event"] as? String == "trial" }
        #expect((last?["ranks"] as? [Int])?.count == ranks)
      }
      let watched = try Command.alone("watch", scratch("2")).run()
      #expect(watched.code == 0 && watched.output.components(separatedBy: "rung 0  trial").count == 10)
      #expect(watched.output.contains("best: trial"), "\(watched.output)")
      #expect(XMLParser(data: Data(try text("2/search.html").utf8)).parse())
      for section in [
        "The best", "Rungs", "Accuracy by parameter", "Parallel coordinates", "Importance", "Cost",
      ] {
        #expect(try text("2/search.html").contains("<h2>\(section)</h2>"))
      }
      // Nobody looked at the test set.
      for record in try journal("2") { #expect((record["result"] as? [String: Any])?["test"] == nil) }

      // The best recipe is one that `train` takes, and repeats.
      let run = try Command.ranks(
        2,
        [
          "train", "--quiet", "--no-report", "--recipe", scratch("1/best.json"), "--run", scratch("run"),
          "--data",
          "synthetic:1500:2",
        ]
      ).run()
      try #require(run.code == 0, "\(run.errors)")
      let best = try #require(
        try text("1/table.csv").split(separator: "\n").last?.split(
          separator: ",", omittingEmptySubsequences: false))
      let figures = try result(scratch("run"))
      #expect((figures["validationAccuracy"] as? Double).map { "\($0)" } == String(best[6]))
      #expect(figures["parametersDigest"] as? String == String(best[12]))
    }

    /// Stopped by a signal or killed, at whatever place: what is on record is not trained again.
    @Test(arguments: [SIGTERM, SIGUSR1, SIGKILL])
    func aSearchGoesOnWhereItWasStopped(_ signal: Int32) throws {
      let data = "synthetic:6000:2"
      let running = try Command.ranks(3, words("search", space: "long.json", data: data)).start()
      _ = running.waitForOutput(containing: "rung 0  trial")
      running.signal(signal)
      let code = try running.wait().code
      if signal == SIGUSR1 { #expect(code == 75) } else { #expect(code != 0) }
      _ = try processes(with: scratch("search") + " ")
      let watched = try Command.alone("watch", scratch("search"), "--patience", "0").run()
      #expect(
        (signal == SIGUSR1 ? [75] : [1, 75]).contains(watched.code) && watched.output.contains("--resume"),
        "\(watched.output)")
      let before = try journal("search").filter { $0["event"] as? String == "trial" }.count
      #expect((1..<13).contains(before))
      let again = try Command.ranks(2, words("search", space: "long.json", data: data)).run()
      #expect(
        again.code == 73 && again.errors.contains("already holds a search: go on with it by --resume"),
        "\(again.errors)")
      let resumed = try Command.ranks(2, ["tune", "--out", scratch("search"), "--data", data, "--resume"])
        .run()
      #expect(resumed.code == 0, "\(resumed.errors)")
      let digests = try journal("search").filter { $0["event"] as? String == "trial" }.compactMap {
        $0["digest"] as? String
      }
      #expect(digests.count == 13 && Set(digests).count == 13)
      let whole = try Command.ranks(2, words("whole", space: "long.json", data: data)).run()
      #expect(whole.code == 0, "\(whole.errors)")
      #expect(try text("search/table.csv") == text("whole/table.csv"))
    }

    /// One rank that is asked to stop is enough.
    @Test func oneRankAskedToStopStopsAll() throws {
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 2 ]; then
          ( for try in $(seq 3000); do grep -q '"trial"' \(scratch("search"))/search.jsonl 2>/dev/null && break; sleep 0.01; done
            kill -USR1 $$ ) &
        fi
        exec \(Command.binary) \(words("search", space: "long.json", data: "synthetic:6000:2").joined(separator: " "))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 75, "\(outcome.errors)")
      #expect(outcome.output.contains("stopped on request"), "\(outcome.output)")
      #expect(try journal("search").last?["event"] as? String == "stop")
    }

    /// A rank that hangs, alone with its trial, is noticed by the others and named.
    @Test func aRankThatHangsIsNamed() throws {
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then
          ( for try in $(seq 3000); do grep -q '"trial"' \(scratch("search"))/search.jsonl 2>/dev/null && break; sleep 0.01; done
            kill -STOP $$ ) &
        fi
        exec \(Command.binary) \(words("search", ["--stall-timeout", "3"], data: "synthetic:6000:2").joined(separator: " "))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 76, "\(outcome.errors)")
      #expect(outcome.errors.contains("no answer from rank 1"), "\(outcome.errors)")
      #expect(try processes(with: scratch("search") + " ") == "")
    }

    @Test(arguments: [
      (["--trials", "0"], Int32(64), "--trials must be from 1 to 10000, found 0"),
      (["--ranks-per-trial", "4"], 64, "must be at most the number of ranks, 3, found 4"),
      (["--budget", "soon"], 64, "--budget: expected samples or a time"),
      (["--eta", "1"], 64, "--eta must be from 2 to 64, found 1"),
      (["--sampler", "grid"], 64, "--sampler"),
      (["--resume"], 64, "--resume needs --out"),
      (["/nonexistent.json"], 66, "/nonexistent.json"),
      (["SPACE", "--data", "synthetic:200"], 65, "trial 0"),
      ([], 64, "a new search needs a space"),
    ])
    func oneSentenceAndTheRightCode(_ more: [String], _ code: Int32, _ sentence: String) throws {
      var arguments = ["tune"] + more.map { $0 == "SPACE" ? scratch("space.json") : $0 }
      if !more.contains("--data") { arguments += ["--data", "synthetic:1500:2"] }
      if !more.contains("--resume") { arguments += ["--out", scratch("search")] }
      if code == 64, !more.isEmpty, !more.contains("--resume") {
        arguments.insert(scratch("space.json"), at: 1)
      }
      let outcome = try Command.ranks(3, arguments).run()
      #expect(outcome.code == code, "\(outcome.errors)")
      #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("search")))
    }

    @Test func mistakesInASpaceEndAllRanks() throws {
      try "{\"parameters\": {\"labelSmoothing\": {\"range\": [0, 2]}}}"
        .write(toFile: scratch("space.json"), atomically: true, encoding: .utf8)
      let outcome = try Command.ranks(3, words("search")).run()
      #expect(
        outcome.code == 65 && outcome.errors.contains("'labelSmoothing' cannot be 2"), "\(outcome.errors)")
      #expect(outcome.errors.components(separatedBy: "lockstep:").count == 2, "\(outcome.errors)")
    }

    @Test func aStudyOfTwoRecipes() throws {
      let study = [
        "study", "--recipe", "linear", "--recipe", "mlp", "--seeds", "3", "--data", "synthetic:8000:2",
        "--out",
      ]
      let alone = try Command(executable: Command.binary, arguments: study + [scratch("1")]).run()
      try #require(alone.code == 0, "\(alone.errors)")
      let three = try Command.ranks(3, study + [scratch("3"), "--quiet"]).run()
      #expect(three.code == 0, "\(three.errors)")
      for name in ["study.csv", "summary.json"] { #expect(try text("1/\(name)") == text("3/\(name)")) }
      for words in [
        "linear  seed 2", "95 % interval of the mean", "mlp less linear, seed by seed", "exchange of signs",
      ] {
        #expect(three.output.contains(words), "\(three.output)")
      }
      let run = try Command.alone(
        "train", "--quiet", "--no-report", "--recipe", "mlp", "--seed", "1", "--data", "synthetic:8000:2",
        "--run",
        scratch("run")
      ).run()
      try #require(run.code == 0, "\(run.errors)")
      let line = try #require(try text("1/study.csv").split(separator: "\n").first { $0.hasPrefix("mlp,1,") })
      #expect(line.hasSuffix(try #require(result(scratch("run"))["parametersDigest"] as? String)))
      let other = try Command.alone("study", "--recipe", "linear", "--resume", "--out", scratch("1")).run()
      #expect(
        other.code == 73 && other.errors.contains("it had 2 recipes and is to have 1"), "\(other.errors)")
    }
  }
}
