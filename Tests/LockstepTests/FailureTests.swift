import Foundation
import Testing

extension RealRanks {
  /// Bad input ends all ranks promptly with one sentence and a proper exit code.
  @Suite struct FailureTests {
    @Test(arguments: [
      (["--data", "/nonexistent"], Int32(66), "/nonexistent"),
      (["--recipe", "nope"], 64, "neither a readable file nor one of quick"),
      (["--network", "conv 8x4; dense 10"], 64, "odd kernel"),
      (
        ["--micro-batch", "64"], 64, "3 ranks, but a global batch of 64 in micro-batches of 64 has work for 1"
      ),
      (["--steps", "0"], 64, "'steps' (--steps) must be at least 1, found 0"),
      (["--learning-rate=-1"], 64, "(--learning-rate) must be above 0"),
      (["--resume", "/nonexistent.safetensors"], 66, "/nonexistent.safetensors"),
    ])
    func oneSentenceAndTheRightCode(_ flags: [String], _ code: Int32, _ words: String) throws {
      let scratch = try ScratchFolder()
      let data = flags.contains("--data") ? [] : ["--data", "synthetic:1000", "--validation", "100"]
      let outcome = try Command.ranks(3, ["train", "--run", scratch("run")] + data + flags).run()
      #expect(outcome.code == code, "\(outcome.errors)")
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
      #expect(outcome.errors.components(separatedBy: "lockstep:").count == 2, "\(outcome.errors)")
    }

    @Test func wrongFlagsAreAnsweredOnce() throws {
      let wrong = try Command.ranks(3, ["train", "--bogus"]).run()
      #expect(wrong.code == 64)
      #expect(wrong.errors.components(separatedBy: "Unknown option").count == 2, "\(wrong.errors)")
      let help = try Command.ranks(3, ["train", "--help"]).run()
      #expect(help.code == 0)
      #expect(help.output.components(separatedBy: "OVERVIEW").count == 2)
    }

    /// Behind a script each rank has words of its own: whoever cannot read them says so, be it the only one or not.
    @Test func aTypoBehindAScriptIsAnsweredByEachRankThatHasIt() throws {
      func run(_ script: String) throws -> Command.Outcome {
        let train = "exec \(Command.binary) train --data synthetic:1000 --validation 100 --steps 1"
        return try Command(
          executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", "\(train) \(script)"]
        ).run()
      }
      let scratch = try ScratchFolder()
      let one = try run("--run \(scratch("run")) $(test $OMPI_COMM_WORLD_RANK = 1 && echo --sede 1)")
      #expect(one.code == 64, "\(one.errors)")
      #expect(one.errors.contains("lockstep: rank 1: Unknown option '--sede'"), "\(one.errors)")
      #expect(one.errors.components(separatedBy: "--sede").count == 2, "\(one.errors)")
      // Ends that come at once may cost one of them its sentence.
      let all = try run("--stall-timeout $OMPI_COMM_WORLD_RANK-s")
      #expect(all.code == 64 && all.errors.contains("--stall-timeout"), "\(all.errors)")
    }

    @Test func aDamagedDatasetOnOneRankEndsAll() throws {
      let scratch = try ScratchFolder()
      let bad = scratch("bad")
      try TestData.writeIDX(to: bad)
      let labels = URL(fileURLWithPath: bad + "/train-labels-idx1-ubyte")
      var bytes = try Data(contentsOf: labels)
      bytes[8 + 6000] = 77
      try bytes.write(to: labels)
      try TestData.writeIDX(to: scratch("good"))
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then data=\(bad); else data=\(scratch("good")); fi
        exec \(Command.binary) train --validation 500 --data "$data" --run \(scratch("run"))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(2) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 65)
      #expect(
        outcome.errors.contains("rank 1 78 (\(bad)/train-labels-idx1-ubyte has label 77 (sample 6,000))"),
        "\(outcome.errors)")
    }

    @Test func ranksWithDifferentFlagsAreNamed() throws {
      let scratch = try ScratchFolder()
      let script = """
        exec \(Command.binary) train --data synthetic:1000 --run \(scratch("run")) --validation 100 \
        --seed $(( OMPI_COMM_WORLD_RANK / 2 ))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 64)
      #expect(outcome.errors.contains("rank 2 was started with another recipe than rank 0"))
    }

    /// A shell command that returns once the run has saved a checkpoint, so that what comes next meets ranks at work.
    private func atWork(_ run: String) -> String {
      "for try in $(seq 2000); do ls \(run)/checkpoints/step-* >/dev/null 2>&1 && break; sleep 0.02; done"
    }

    /// A rank that dies takes the others with it, instead of leaving them waiting.
    @Test func aKilledRankEndsTheJob() throws {
      let scratch = try ScratchFolder()
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 2 ]; then ( \(atWork(scratch("run"))); kill -KILL $$ ) & fi
        exec \(Command.binary) train --data synthetic:5000 --validation 500 --epochs 1000 --checkpoint-every 5 \
        --run \(scratch("run"))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code != 0)
      #expect(!outcome.errors.contains("killed by the test"))
      #expect(try processes(with: scratch("run")) == "")
    }

    /// A rank that is there but does not go on: the others notice, and what was saved is good to go on from.
    @Test func aStoppedRankIsNamedAndTheRunGoesOnToTheSameModel() throws {
      let scratch = try ScratchFolder()
      func flags(_ run: String) -> String {
        "train --data synthetic:2000 --validation 200 --epochs 40 --checkpoint-every 20 --run \(scratch(run))"
      }
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then ( \(atWork(scratch("run"))); kill -STOP $$ ) & fi
        exec \(Command.binary) \(flags("run")) --stall-timeout 2
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 76, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /lockstep: rank [02] on \S+: no answer from (some rank|rank .*1.*) for 2 s in .* of step \d+ \((MPI_|a barrier)/
        ),
        "\(outcome.errors)")
      // The root says so beforehand, at half time.
      #expect(
        outcome.errors.contains(
          /lockstep: rank 0 on \S+: no answer from .* for 1 s in .*; the job ends after 2 s/),
        "\(outcome.errors)")
      #expect(try processes(with: scratch("run")) == "")

      let words = { (run: String) in flags(run).split(separator: " ").map(String.init) }
      #expect(try Command.ranks(2, words("run") + ["--resume"]).run().code == 0)
      #expect(try Command.ranks(1, words("whole")).run().code == 0)
      #expect(
        finalDigest(scratch("run")) != nil && finalDigest(scratch("run")) == finalDigest(scratch("whole")))
    }

    /// What a failed check of Swift's does to a rank: SIGILL.
    @Test func aCrashingRankEndsTheJobWithASentence() throws {
      let scratch = try ScratchFolder()
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then ( \(atWork(scratch("run"))); kill -ILL $$ ) & fi
        exec \(Command.binary) train --data synthetic:5000 --validation 500 --epochs 1000 --checkpoint-every 5 \
        --run \(scratch("run"))
        """
      let outcome = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script])
        .run()
      #expect(outcome.code == 70, "\(outcome.errors)")
      #expect(outcome.errors.contains("a check in this rank failed"))
    }

    @Test func aFolderThatCannotBeWrittenEndsTheRunBeforeTraining() throws {
      let scratch = try ScratchFolder()
      try Data("a file".utf8).write(to: URL(fileURLWithPath: scratch("file")))
      let outcome = try Command.ranks(
        2, ["train", "--data", "synthetic:1000", "--validation", "100", "--run", scratch("file") + "/run"]
      )
      .run()
      #expect(outcome.code == 73, "\(outcome.errors)")
      #expect(outcome.errors.contains(scratch("file")))
    }

    @Test func aUsedRunFolderIsNotOverwritten() throws {
      let scratch = try ScratchFolder()
      let flags = [
        "train", "--data", "synthetic:1000", "--validation", "100", "--steps", "3", "--run", scratch("run"),
      ]
      try #require(try Command.ranks(2, flags).run().code == 0)
      let before = finalDigest(scratch("run"))
      let again = try Command.ranks(2, flags).run()
      #expect(again.code == 73)
      #expect(again.errors.contains("already holds a run"))
      #expect(finalDigest(scratch("run")) == before)
    }
  }
}
