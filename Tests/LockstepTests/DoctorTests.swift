import Foundation
import Testing

extension RealRanks {
  /// `lockstep doctor`, as a user sees it.
  @Suite struct DoctorTests {
    private func doctor(_ ranks: Int, _ arguments: [String]) -> Command {
      Command.ranks(ranks, ["doctor"] + arguments)
    }

    @Test func soundRanksAreShownInATable() throws {
      let scratch = try ScratchFolder()
      let outcome = try doctor(3, ["--data", "synthetic:2000", "--run", scratch("run")]).run()
      #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
      for rank in 0..<3 {
        #expect(outcome.output.contains(try Regex("\n +\(rank)  \\S+ +[0-9]")), "\(outcome.output)")
      }
      #expect(outcome.output.contains("Gbit/s"))
      #expect(outcome.output.contains("nothing found that would keep training from working"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
    }

    @Test func mixedKernelsAndAMissingDatasetAreProblems() throws {
      let scratch = try ScratchFolder()
      let words = [
        Command.binary, "doctor", "--products", "openblas", "--data", "/nonexistent", "--run", scratch("run"),
      ]
      let outcome = try Command(
        executable: "mpirun",
        arguments: Command.mpirun(1) + ["-x", "OPENBLAS_CORETYPE=Haswell"] + words
          + [":", "-n", "1", "-x", "OPENBLAS_CORETYPE=Nehalem"] + words
      ).run()
      #expect(outcome.code == 1)
      #expect(
        outcome.output.contains(/problem: .*OpenBLAS \S+ Haswell on rank 0; OpenBLAS \S+ Nehalem on rank 1/),
        "\(outcome.output)")
      #expect(outcome.output.contains("leave --products openblas away"))
      #expect(outcome.output.contains("problem: no host has the dataset"))
      #expect(!outcome.output.contains("nothing found"))
    }

    @Test func aFolderThatCannotBeWrittenIsAProblem() throws {
      let outcome = try Command.alone("doctor", "--data", "synthetic:1000", "--run", "/proc/nowhere").run()
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("problem: the run folder /proc/nowhere"), "\(outcome.output)")
    }

    @Test func hostfilesAreChecked() throws {
      let scratch = try ScratchFolder()
      let file = scratch("hosts")
      try Data("localhost slots=1\nelsewhere slots=2\n".utf8).write(to: URL(fileURLWithPath: file))
      let outcome = try Command.alone("doctor", "--hostfile", file, "--ssh", "false").run()
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("problem: \(file), line 2: elsewhere does not answer"))
      #expect(outcome.output.contains(/localhost +1 +\d+ +answers +same/), "\(outcome.output)")
      try Data("localhost slots=x\n".utf8).write(to: URL(fileURLWithPath: file))
      let malformed = try Command.alone("doctor", "--hostfile", file).run()
      #expect(malformed.code == 65 && malformed.errors.contains("\(file), line 1: expected a number"))
      #expect(try Command.alone("doctor", "--hostfile", scratch("none")).run().code == 66)
    }
  }
}
