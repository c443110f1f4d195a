import Foundation
import Testing

extension RealRanks {
  /// Runs that end early and go on, on another number of ranks, end with the model of an unbroken run.
  @Suite struct ResumeTests {
    private static let data = ["--data", "synthetic:3000:1"]
    private static let problem =
      data + ["--validation", "600", "--epochs", "24", "--global-batch", "32"]

    private func unbroken(_ scratch: ScratchFolder) throws -> String {
      let outcome = try Command.ranks(2, ["train", "--run", scratch("unbroken")] + Self.problem).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      return try #require(finalDigest(scratch("unbroken")))
    }

    /// Waits until the run has taken some steps, so that signals meet it at work.
    private func waitForCheckpoints(_ run: String, _ count: Int) {
      let deadline = Date().addingTimeInterval(60)
      while Set(checkpoints(run).filter { $0.hasPrefix("step-") }).count < count, Date() < deadline {
        usleep(2000)
      }
    }

    @Test func killedAtAnyStepAndResumedOnOtherRanks() throws {
      let scratch = try ScratchFolder()
      let expected = try unbroken(scratch)
      for (before, after, saved) in [(3, 2, 3), (2, 5, 1), (1, 4, 2)] {
        let run = scratch("killed-\(before)")
        let flags = ["train", "--run", run, "--checkpoint-every", "3"] + Self.problem
        let running = try Command.ranks(before, flags).start()
        waitForCheckpoints(run, saved)
        // All ranks at once and without warning; mpirun itself cannot do anything about it.
        let killed = try Command(executable: "pkill", arguments: ["-KILL", "-f", run + " "]).run()
        try #require(killed.code == 0)
        #expect(try running.wait().code != 0)
        #expect(finalDigest(run) == nil, "killed before the end")
        let resumed = try Command.ranks(after, ["train", "--run", run, "--resume"] + Self.data).run()
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(resumed.output.contains("resumed after step"))
        #expect(finalDigest(run) == expected, "\(before) ranks, then \(after)")
        let steps = try metrics(run).filter { $0["event"] as? String == "step" }.compactMap {
          $0["step"] as? Int
        }
        #expect(steps == Array(1...1800), "every step is in metrics.jsonl once")
      }
    }

    @Test func signalsSaveAndStopOrGoOn() throws {
      let scratch = try ScratchFolder()
      let expected = try unbroken(scratch)
      let run = scratch("stopped")
      // Signals to mpirun reach all its ranks.
      let running = try Command.ranks(3, ["train", "--run", run, "--checkpoint-every", "5"] + Self.problem)
        .start()
      waitForCheckpoints(run, 1)
      running.signal(SIGUSR2)
      running.waitForErrors(containing: "going on")
      running.signal(SIGUSR1)
      let stopped = try running.wait()
      #expect(stopped.code == 75, "\(stopped.errors)")
      #expect(stopped.errors.contains("going on"))
      #expect(stopped.output.contains("stopped after step"))
      #expect(finalDigest(run) == nil)

      // Without mpirun, Ctrl-C does the same.
      let saved = checkpoints(run).filter { $0.hasPrefix("step-") }.max()
      let alone = try Command.alone("train", "--run", run, "--resume", "--data", "synthetic:3000:1").start()
      while alone.process.isRunning, checkpoints(run).filter({ $0.hasPrefix("step-") }).max() == saved {
        usleep(2000)
      }
      alone.signal(SIGINT)
      let interrupted = try alone.wait()
      #expect(interrupted.code == 75 || interrupted.code == 0, "\(interrupted.errors)")
      if interrupted.code == 75 {
        let resumed = try Command.ranks(2, ["train", "--run", run, "--resume"] + Self.data).run()
        #expect(resumed.code == 0, "\(resumed.errors)")
      }
      #expect(finalDigest(run) == expected)
    }

    @Test func aDamagedCheckpointIsNamedAndSkipped() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let flags = ["train", "--run", run, "--checkpoint-every", "20", "--steps", "60"] + Self.problem
      let first = try Command.ranks(2, flags).run()
      try #require(first.code == 0, "\(first.errors)")
      let expected = finalDigest(run)
      try FileManager.default.removeItem(atPath: run + "/final.safetensors")
      let newest = run + "/checkpoints/step-000060.safetensors"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: newest))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: newest))
      let resumed = try Command.ranks(3, ["train", "--run", run, "--resume"] + Self.data).run()
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("skipping \(newest)"))
      #expect(resumed.output.contains("resumed after step 40"))
      #expect(finalDigest(run) == expected)

      try bytes.write(to: URL(fileURLWithPath: newest))
      let fromFile = try Command.ranks(
        2, ["train", "--run", scratch("other"), "--resume", newest] + Self.data
      ).run()
      #expect(fromFile.code == 0, "\(fromFile.errors)")
      #expect(fromFile.errors.contains("going on from \(run)/checkpoints/step-000040.safetensors instead"))
      #expect(finalDigest(scratch("other")) == expected)
    }

    @Test(arguments: [
      (["--network", "mlp"], "another network"), (["--data", "synthetic:3000:2"], "another dataset"),
      (["--optimizer", "sgd"], "another optimizer"), (["--global-batch", "32"], "another global batch"),
    ])
    func anotherProblemThanTheCheckpointsIsRefused(_ flags: [String], _ difference: String) throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let first = try Command.alone(
        "train", "--run", run, "--steps", "5", "--data", "synthetic:3000:1", "--validation", "600"
      ).run()
      try #require(first.code == 0, "\(first.errors)")
      let data = flags[0] == "--data" ? [] : Self.data
      let refused = try Command.ranks(2, ["train", "--run", run, "--resume"] + data + flags).run()
      #expect(refused.code == 65)
      #expect(refused.errors.contains("cannot be continued with \(difference)"), "\(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1, "one message: \(refused.errors)")
    }
  }
}
