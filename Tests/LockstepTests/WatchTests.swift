import Foundation
import Testing

extension RealRanks {
  /// `lockstep watch`.
  @Suite struct WatchTests {
    private func train(_ run: String, epochs: Int) -> Command {
      Command.ranks(
        2,
        [
          "train", "--quiet", "--no-report", "--data", "synthetic:2000", "--validation", "200",
          "--checkpoint-every", "20", "--epochs", "\(epochs)", "--run", run,
        ])
    }

    private func watch(_ words: String...) -> Command {
      Command(executable: Command.binary, arguments: ["watch"] + words)
    }

    private func awaitEpoch(_ run: String) {
      for _ in 0..<2000 {
        if let lines = try? metrics(run), lines.contains(where: { $0["event"] as? String == "epoch" }) {
          return
        }
        usleep(5000)
      }
    }

    /// Follows from the midst of a run to its end, on a pipe: a line for each epoch, then how it ended.
    @Test func followsARunToItsEnd() throws {
      let scratch = try ScratchFolder()
      let job = try train(scratch("run"), epochs: 60).start()
      awaitEpoch(scratch("run"))
      let once = try watch(scratch("run"), "--once").run()
      #expect(once.code == 0 && once.output.contains("running, recipe quick on 2 ranks"), "\(once.output)")
      #expect(once.output.contains(" left\n") && once.output.contains("loss over steps"))
      let outcome = try watch(scratch("run"), "--interval", "0.1").run()
      #expect(try job.wait().code == 0)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let lines = outcome.output.split(separator: "\n")
      #expect(
        lines.filter { $0.hasPrefix("epoch ") }.count == 60 && lines[59].hasPrefix("epoch 60/60  loss "))
      #expect(lines.last?.hasPrefix("finished: test accuracy ") == true)
      #expect(!outcome.output.contains("\u{1B}"))
    }

    @Test func saysThatARunWasStopped() throws {
      let scratch = try ScratchFolder()
      let job = try train(scratch("run"), epochs: 100_000).start()
      awaitEpoch(scratch("run"))
      job.signal(SIGUSR1)
      _ = try job.wait()
      let outcome = try watch(scratch("run")).run()
      #expect(
        outcome.code == 75 && outcome.output.contains("stopped on request after step"), "\(outcome.output)")
    }

    /// A killed run has written no end; its lock is gone.
    @Test func saysThatARunIsDead() throws {
      let scratch = try ScratchFolder()
      let job = try train(scratch("run"), epochs: 100_000).start()
      awaitEpoch(scratch("run"))
      _ = try Command(executable: "pkill", arguments: ["-KILL", "-f", "lockstep train .*\(scratch("run"))"])
        .run()
      _ = try job.wait()
      let outcome = try watch(scratch("run"), "--patience", "0.2").run()
      #expect(outcome.code == 1, "\(outcome.output)")
      #expect(outcome.output.contains("dead: no process writes") && outcome.output.contains("--resume"))
    }

    @Test func aFolderThatIsNoRunIsRefused() throws {
      let scratch = try ScratchFolder()
      let outcome = try watch(scratch.path).run()
      #expect(outcome.code == 66 && outcome.errors.contains("expected a run's folder"))
    }
  }
}
