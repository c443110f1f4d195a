import Foundation
import Testing

extension RealRanks {
  /// `lockstep launch`: jobs that outlive failures.
  @Suite struct LaunchTests {
    private let train = [
      "train", "--data", "synthetic:2000", "--validation", "200", "--checkpoint-every", "20", "--run",
    ]

    private func launch(_ options: [String], _ words: [String]) -> Command {
      Command(executable: Command.binary, arguments: ["launch"] + options + ["--"] + words)
    }

    /// Waits until the run has saved something, so that what follows happens in its midst.
    private func awaitCheckpoint(_ run: String) {
      for _ in 0..<2000 {
        if let names = try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints"),
          names.contains(where: { $0.hasSuffix(".safetensors") })
        {
          return
        }
        usleep(5000)
      }
    }

    @Test func aKilledRankCostsARestartAndNotTheModel() throws {
      let scratch = try ScratchFolder()
      let job = try launch(
        ["-n", "2"], train + [scratch("run"), "--epochs", "60"]
      ).start()
      awaitCheckpoint(scratch("run"))
      let killed = try Command(
        executable: "pkill", arguments: ["-KILL", "-n", "-f", "lockstep train .*\(scratch("run"))"]
      ).run()
      #expect(killed.code == 0)
      let outcome = try job.wait()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(/code 137 \(a rank was killed by signal 9\).*restart 1 of 5 in 1 s/),
        "\(outcome.errors)")
      #expect(
        try Command(executable: Command.binary, arguments: train + [scratch("whole"), "--epochs", "60"])
          .run().code == 0)
      #expect(
        finalDigest(scratch("run")) != nil && finalDigest(scratch("run")) == finalDigest(scratch("whole")))
    }

    /// Random ranks are killed at random moments, and the model is the one of an undisturbed run.
    @Test func aStormDoesNotChangeTheModel() throws {
      let scratch = try ScratchFolder()
      let words = { (run: String) in self.train + [scratch(run), "--epochs", "100"] }
      var job = launch(["-n", "3", "--storm", "2"], words("run"))
      // On a busy machine an attempt gets little done.
      job.limit = 400
      let outcome = try job.run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /storm: [1-9][0-9]* kills?, [1-9][0-9]* restarts?, .* in all, .* of them lost/),
        "\(outcome.errors)")
      #expect(try Command(executable: Command.binary, arguments: words("whole")).run().code == 0)
      #expect(
        finalDigest(scratch("run")) != nil && finalDigest(scratch("run")) == finalDigest(scratch("whole")))
    }

    @Test func aRequestToStopSavesAndEndsWith75() throws {
      let scratch = try ScratchFolder()
      let job = try launch(["-n", "2"], train + [scratch("run"), "--epochs", "100000"]).start()
      awaitCheckpoint(scratch("run"))
      job.signal(SIGTERM)
      let outcome = try job.wait()
      #expect(outcome.code == 75, "\(outcome.errors)")
      #expect(outcome.output.contains("stopped after step"))
    }

    /// Whoever kills the launcher does not want its job to go on alone.
    @Test func theJobEndsWithItsLauncher() throws {
      let scratch = try ScratchFolder()
      let job = try launch(["-n", "2"], train + [scratch("run"), "--epochs", "100000"]).start()
      awaitCheckpoint(scratch("run"))
      job.signal(SIGKILL)
      _ = try job.wait()
      #expect(try processes(with: scratch("run")) == "")
    }

    @Test func whatWouldHappenAgainIsNotTriedAgain() throws {
      let scratch = try ScratchFolder()
      let outcome = try launch(["-n", "2"], ["train", "--run", scratch("run"), "--data", "/nonexistent"])
        .run()
      #expect(outcome.code == 66)
      #expect(!outcome.errors.contains("restart"), "\(outcome.errors)")
    }

    /// What the system says of a folder that cannot be made, and no library's words.
    @Test func hostsThatCannotBeAskedAreASentence() throws {
      let scratch = try ScratchFolder()
      try Data("elsewhere slots=2\n".utf8).write(to: URL(fileURLWithPath: scratch("hosts")))
      var job = launch(["--hostfile", scratch("hosts")], ["train", "--run", scratch("run")])
      job.environment["TMPDIR"] = "/proc/none"
      let outcome = try job.run()
      #expect(outcome.code == 73, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /^lockstep: \/proc\/none\/lockstep-hosts-.*: cannot create this folder: No such file .*\n$/),
        "\(outcome.errors)")
    }

    /// A host that does not answer is left out, and a report ends what cannot be.
    @Test func aJobWithoutHostsIsGivenUpWithAReport() throws {
      let scratch = try ScratchFolder()
      try Data("elsewhere slots=2\n".utf8).write(to: URL(fileURLWithPath: scratch("hosts")))
      let outcome = try launch(
        ["--hostfile", scratch("hosts"), "--ssh", "false", "--max-restarts", "1"],
        ["train", "--run", scratch("run")]
      ).run()
      #expect(outcome.code == 76)
      #expect(outcome.errors.contains("no answer from elsewhere"))
      #expect(outcome.errors.contains("giving up: the restart brought no new checkpoint"))
      #expect(outcome.errors.contains("  2. no host answered: ended after"), "\(outcome.errors)")
    }

    /// A host that is late, as a pod whose name is not known everywhere yet.
    @Test func hostsThatAreLateAreWaitedFor() throws {
      let scratch = try ScratchFolder()
      try Data("127.0.0.2 slots=2\n".utf8).write(to: URL(fileURLWithPath: scratch("hosts")))
      // The first login fails; the others run here what stands behind options and host.
      let ssh = """
        #!/bin/sh
        if mkdir '\(scratch("asked"))' 2>/dev/null; then exit 255; fi
        while true; do case $1 in -o) shift 2 ;; -*) shift ;; *) break ;; esac; done
        shift
        exec sh -c "$*"

        """
      _ = FileManager.default.createFile(
        atPath: scratch("ssh"), contents: Data(ssh.utf8), attributes: [.posixPermissions: 0o755])
      let outcome = try launch(
        ["--hostfile", scratch("hosts"), "--ssh", scratch("ssh"), "--wait-for-hosts", "60"],
        train + [scratch("run"), "--epochs", "1"]
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("no answer from 127.0.0.2; waiting for up to"), "\(outcome.errors)")
      #expect(!outcome.errors.contains("restart"))
    }

    @Test(arguments: [
      (["launch"], "expected a command behind --"), (["launch", "--", "evaluate"], "found 'evaluate'"),
      (["launch", "--", "train"], "train needs --run"), (["launch", "-n", "0", "--", "train"], "-n must be"),
      (["launch", "--wait-for-hosts=-1", "--", "train"], "--wait-for-hosts must be"),
    ])
    func wrongUseIsExplained(_ words: [String], _ sentence: String) throws {
      let outcome = try Command(executable: Command.binary, arguments: words).run()
      #expect(outcome.code == 64 && outcome.errors.contains(sentence), "\(outcome.errors)")
    }
  }
}
