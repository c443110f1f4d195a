import Foundation
import Testing

extension RealRanks {
  /// Ranks of one job that were started with different things, as `mpirun -n 1 … : -n 1 …` can.
  @Suite struct MixedRanksTests {
    /// Runs rank 0 and rank 1 with words of their own; `binary` is what rank 1 runs.
    private func pair(
      _ first: [String], _ second: [String], binary: String = Command.binary
    ) throws -> Command.Outcome {
      try Command(
        executable: "mpirun",
        arguments: Command.mpirun(1) + [Command.binary] + first + [":", "-n", "1", binary] + second
      ).run()
    }

    @Test func differentOptionsCommandsAndTyposAreNamed() throws {
      let scratch = try ScratchFolder()
      let words = ["train", "--data", "synthetic:1000", "--validation", "100", "--run", scratch("run")]
      let options = try pair(words, words + ["--verify-every", "100"])
      #expect(options.code == 64, "\(options.errors)")
      #expect(options.errors.contains("--verify-every is 200 on rank 0; 100 on rank 1"), "\(options.errors)")
      let folders = try pair(Array(words.dropLast(2)), words)
      #expect(
        folders.code == 64 && folders.errors.contains("; \(scratch("run")) on rank 1"),
        "\(folders.errors)")
      let commands = try pair(words, ["evaluate", "--model", scratch("none")])
      #expect(commands.code == 64, "\(commands.errors)")
      #expect(
        commands.errors.contains("'lockstep train' on rank 0; 'lockstep evaluate' on rank 1"),
        "\(commands.errors)")
      let typo = try pair(words, words + ["--bogus"])
      #expect(typo.code == 64 && typo.errors.contains("Unknown option '--bogus'"), "\(typo.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("run")))
    }

    @Test func datasetsOfTheSameSizesAreNotMixed() throws {
      let scratch = try ScratchFolder()
      for folder in ["a", "b"] { try TestData.writeIDX(to: scratch(folder)) }
      let labels = URL(fileURLWithPath: scratch("b") + "/t10k-labels-idx1-ubyte")
      var bytes = try Data(contentsOf: labels)
      bytes[8] = bytes[8] == 1 ? 2 : 1
      try bytes.write(to: labels)
      func words(_ command: String, _ data: String) -> [String] {
        [command, "--data", scratch(data), "--run", scratch("run")]
      }
      let train = try pair(words("train", "a"), words("train", "b"))
      #expect(train.code == 65, "\(train.errors)")
      #expect(train.errors.contains("the first difference is in test samples 0 to 999"), "\(train.errors)")
      let doctor = try pair(words("doctor", "a"), words("doctor", "b"))
      #expect(doctor.code == 1, "\(doctor.output)\(doctor.errors)")
      #expect(doctor.output.contains("problem: the datasets differ: SHA-256"), "\(doctor.output)")
    }

    /// The linker's build id stands for the sources: another one is another program.
    @Test func differentBuildsAreNamed() throws {
      let scratch = try ScratchFolder()
      var bytes = try Data(contentsOf: URL(fileURLWithPath: Command.binary))
      let note = try #require(
        bytes.range(of: Data([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0] + Array("GNU\0".utf8))))
      bytes[note.upperBound] ^= 1
      let other = scratch("lockstep")
      try bytes.write(to: URL(fileURLWithPath: other))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other)
      let words = [
        "train", "--data", "synthetic:1000", "--validation", "100", "--steps", "2", "--no-report", "--run",
        scratch("run"),
      ]
      let mixed = try pair(words, words, binary: other)
      #expect(mixed.code == 64, "\(mixed.errors)")
      #expect(
        mixed.errors.contains(/different builds of the program: \S+ on rank 0; \S+ on rank 1/),
        "\(mixed.errors)")
      let insisted = try pair(words + ["--mixed-builds"], words + ["--mixed-builds"], binary: other)
      #expect(insisted.code == 0, "\(insisted.errors)")
    }
  }
}
