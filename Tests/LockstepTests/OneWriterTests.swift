import Foundation
import Testing

extension RealRanks {
  /// A run's folder has one writing job at a time, and keeps what it has.
  @Suite struct OneWriterTests {
    private static let problem =
      ["--data", "synthetic:600:1", "--validation", "100", "--global-batch", "20", "--no-report"]

    private func shell(_ script: String, in folder: String) throws -> Command.Outcome {
      try Command(
        executable: "sh", arguments: ["-c", "cd \"$1\" && shift && " + script, Command.binary, folder]
      ).run()
    }

    /// Everything in a run's folder, by name.
    private func contents(_ run: String) throws -> [String: Data] {
      var all: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: run) {
        all[name] = FileManager.default.contents(atPath: run + "/" + name)
      }
      return all
    }

    private func train(_ run: String, _ words: [String]) throws -> Command.Outcome {
      try Command(
        executable: Command.binary, arguments: ["train", "--quiet", "--run", run] + Self.problem + words
      ).run()
    }

    @Test func jobsOfOneSecondHaveFoldersOfTheirOwn() throws {
      let scratch = try ScratchFolder()
      let words = Self.problem.joined(separator: " ")
      let outcome = try shell(
        "for seed in 1 2 3; do \"$0\" train --quiet --epochs 1 --seed $seed \(words) & done; wait",
        in: scratch.path)
      #expect(outcome.errors == "")
      let runs = try FileManager.default.contentsOfDirectory(atPath: scratch("runs"))
      #expect(runs.count == 3)
      #expect(Set(runs.compactMap { finalDigest(scratch("runs/\($0)")) }).count == 3)
      for run in runs { #expect(try metrics(scratch("runs/\(run)")).last?["event"] as? String == "end") }
      // A job that never began leaves nothing.
      #expect(try shell("\"$0\" train --data /nonexistent", in: scratch.path).code == 66)
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch("runs")).count == 3)
    }

    @Test func asManyAsLikeAskForARunThatIsBeingWritten() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let running = try Command.ranks(
        2, ["train", "--run", run, "--epochs", "100000", "--checkpoint-every", "5"] + Self.problem
      ).start()
      while running.process.isRunning, checkpoints(run).isEmpty { usleep(2000) }
      let resumed = try Command.ranks(
        2, ["train", "--run", run, "--resume", "--data", "synthetic:600:1"]
      ).run()
      #expect(resumed.code == 73 && resumed.errors.contains("is being written by another process (process "))
      let again = try train(run, [])
      #expect(again.code == 73 && again.errors.contains("already holds a run"), "\(again.errors)")
      running.signal(SIGUSR1)
      #expect(try running.wait().code == 75)
      #expect(try metrics(run).last?["event"] as? String == "stop")
      #expect(!FileManager.default.fileExists(atPath: run + "/.lock"))
    }

    @Test func aFinishedRunStaysAsItIs() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      // A rate that does not depend on how long the run is to be.
      let rate = ["--schedule", "constant"]
      #expect(try train(run, rate + ["--epochs", "2"]).code == 0)
      let before = try contents(run)
      let resumed = try Command.ranks(2, ["train", "--run", run, "--resume", "--data", "synthetic:600:1"])
        .run()
      #expect(resumed.code == 0 && resumed.output.contains("is finished"), "\(resumed.errors)")
      let fewer = try train(run, ["--resume", "--epochs", "1"])
      #expect(fewer.code == 64 && fewer.errors.contains("more than"), "\(fewer.errors)")
      // Another run's checkpoint would make a mixture of it.
      #expect(try train(scratch("other"), ["--epochs", "3", "--seed", "9"]).code == 0)
      let foreign = scratch("other/checkpoints/") + (checkpoints(scratch("other")).first ?? "")
      let mixed = try train(run, ["--seed", "9", "--resume", foreign])
      #expect(mixed.code == 73 && mixed.errors.contains("already holds a run"), "\(mixed.errors)")
      #expect(try contents(run) == before)

      // It goes on, even from its model alone, to what it would have been.
      try FileManager.default.removeItem(atPath: run + "/checkpoints")
      #expect(try train(run, ["--resume", "--epochs", "3"]).code == 0)
      #expect(try train(scratch("whole"), rate + ["--epochs", "3"]).code == 0)
      #expect(finalDigest(run) != nil && finalDigest(run) == finalDigest(scratch("whole")))
    }

    /// A job that was killed after its last step has its end written down by whoever looks for more to do.
    @Test func anEndThatWasNotWrittenDownIs() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      #expect(try train(run, ["--epochs", "1"]).code == 0)
      let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      let lines = text.split(separator: "\n")
      #expect(lines.last?.contains("\"event\":\"end\"") == true)
      try (lines.dropLast().joined(separator: "\n") + "\n")
        .write(toFile: run + "/metrics.jsonl", atomically: true, encoding: .utf8)
      let figures = try result(run)["imagesPerSecond"] as? Double
      #expect(try train(run, ["--resume"]).code == 0)
      #expect(try metrics(run).last?["event"] as? String == "end")
      #expect(try result(run)["imagesPerSecond"] as? Double == figures)
    }

    /// What a killed job had done is in its trace, and the traces before it are kept.
    @Test func aTraceSurvivesItsJob() throws {
      let scratch = try ScratchFolder()
      let (run, trace) = (scratch("run"), scratch("trace.json"))
      let words = ["--run", run, "--trace", trace, "--epochs", "100000", "--checkpoint-every", "50"]
      func isTrace(_ path: String) throws -> Bool {
        let value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        return ((value as? [String: Any])?["traceEvents"] as? [Any])?.count ?? 0 > 100
      }
      let running = try Command.ranks(2, ["train"] + words + Self.problem).start()
      while running.process.isRunning, !FileManager.default.fileExists(atPath: trace) { usleep(2000) }
      _ = try Command(executable: "pkill", arguments: ["-KILL", "-f", run + " "]).run()
      #expect(try running.wait().code != 0)
      #expect(try isTrace(trace))
      let steps = try #require(metrics(run).compactMap { $0["step"] as? Int }.max())
      let resumed = try train(run, ["--resume", "--trace", trace, "--steps", "\(steps + 5)"])
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try isTrace(trace) && isTrace(scratch("trace-1.json")))
      try "mine".write(toFile: scratch("thesis.txt"), atomically: true, encoding: .utf8)
      let refused = try train(scratch("other"), ["--trace", scratch("thesis.txt")])
      #expect(refused.code == 73 && refused.errors.contains("no trace"), "\(refused.errors)")
      #expect(try String(contentsOfFile: scratch("thesis.txt"), encoding: .utf8) == "mine")
    }

    @Test func tasksThatBelieveTheyAreAloneAreRefused() throws {
      let scratch = try ScratchFolder()
      var task = Command(
        executable: Command.binary, arguments: ["train", "--run", scratch("run")] + Self.problem)
      task.environment = ["SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_PROCID": "1"]
      let outcome = try task.run()
      #expect(outcome.code == 69 && outcome.errors.contains("SLURM_NTASKS=2"), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("run")))
    }

    /// The run is over and well, whatever becomes of its report.
    @Test func aReportThatFailsFailsNoRun() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
      try "mine".write(toFile: run + "/report.html", atomically: true, encoding: .utf8)
      let outcome = try Command.ranks(
        2, ["train", "--quiet", "--run", run, "--epochs", "1"] + Self.problem.dropLast()
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("no report: the process that makes it ended with code 73"))
      #expect(outcome.output.contains("test accuracy") && finalDigest(run) != nil)
      #expect(try String(contentsOfFile: run + "/report.html", encoding: .utf8) == "mine")
    }

    /// An empty name, as of a variable that is not set, is not the root folder.
    @Test(arguments: [
      ["train", "--run", ""], ["train", "--trace", ""], ["scale", "--out", ""],
      ["report", ""], ["fetch", "--to", ""],
    ])
    func emptyNamesAreRefused(_ words: [String]) throws {
      let outcome = try Command(executable: Command.binary, arguments: words).run()
      #expect(outcome.code == 64 && outcome.errors.contains("found an empty one"), "\(outcome.errors)")
    }
  }
}
