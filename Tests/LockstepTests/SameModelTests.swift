import Foundation
import Testing

extension RealRanks {
  /// The promise: one model, whatever the number of ranks.
  @Suite struct SameModelTests {
    @Test(arguments: [
      (
        [
          "--optimizer", "sgd", "--momentum", "0.9", "--nesterov", "--clip-gradients", "1", "--averaging",
          "0.9",
        ], [3, 8]
      ),
      (["--optimizer", "adamw", "--schedule", "cosine", "--label-smoothing", "0.1"], [2, 5]),
      (
        [
          "--optimizer", "adamw", "--augment-rotation", "12", "--augment-scale", "0.1", "--augment-aspect",
          "0.1",
          "--augment-shear", "0.15", "--augment-translation", "1.5", "--augment-elastic", "0.7", "--patience",
          "2",
          "--network",
          "conv 8x3 stride 2; relu; avgpool 2; channel-dropout 0.2; conv 12x3 same; relu; average; dense 10",
        ], [1, 2, 4]
      ),
      (["--optimizer", "muon"], [1, 2, 3, 4, 5, 8, 16]),
    ])
    func finalCheckpointIsTheSameAtAnyNumberOfRanks(_ optimizer: [String], _ counts: [Int]) throws {
      let scratch = try ScratchFolder()
      var digests: [String: String] = [:]
      let alone = try Command(
        executable: Command.binary,
        arguments: ["train", "--run", scratch("alone")] + smallProblem + optimizer
      ).run()
      try #require(alone.code == 0, "\(alone.errors)")
      digests["without mpirun"] = finalDigest(scratch("alone"))
      for count in counts {
        let run = scratch("\(count)")
        let outcome = try Command.ranks(count, ["train", "--run", run] + smallProblem + optimizer).run()
        try #require(outcome.code == 0, "\(count) ranks: \(outcome.errors)")
        digests["\(count) ranks"] = finalDigest(run)
      }
      #expect(digests.count == counts.count + 1)
      #expect(Set(digests.values).count == 1, "\(digests)")
    }

    /// Who adds what to what is free: only the precision makes another model.
    @Test func algorithmsGiveTheSameModelAndBfloat16ItsOwn() throws {
      let scratch = try ScratchFolder()
      var digests: [String: Set<String>] = [:]
      for format in ["float32", "bfloat16"] {
        for (count, algorithm) in [(1, "auto"), (4, "direct"), (7, "halving"), (5, "auto"), (4, "auto")] {
          let run = scratch("\(format)-\(count)-\(algorithm)")
          // Ranks that share memory send each other nothing.
          let flags =
            ["--gradients", format, "--reduction-algorithm", algorithm]
            + (algorithm == "auto" ? [] : ["--no-shared-memory"])
          let outcome = try Command.ranks(count, ["train", "--run", run] + smallProblem + flags).run()
          try #require(outcome.code == 0, "\(outcome.errors)")
          digests[format, default: []].insert(finalDigest(run) ?? "")
        }
      }
      #expect(digests["float32"]?.count == 1 && digests["bfloat16"]?.count == 1, "\(digests)")
      #expect(digests["float32"] != digests["bfloat16"])
    }

    /// Whatever carries the gradients, and whoever computes them.
    @Test func memoryInCommonAndMessagesGiveTheSame() throws {
      let scratch = try ScratchFolder()
      for (name, mpi, flags) in [
        ("shared", "vader,self", []), ("equal", "vader,self", ["--deal", "equal"]),
        ("vader", "vader,self", ["--no-shared-memory"]), ("tcp", "tcp,self", ["--no-shared-memory"]),
      ] {
        let outcome = try Command.ranks(
          3, mpi: ["--mca", "pml", "ob1", "--mca", "btl", mpi],
          ["train", "--run", scratch(name)] + smallProblem + flags
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
      }
      let digests = Set(["shared", "equal", "vader", "tcp"].map { finalDigest(scratch($0)) })
      #expect(digests.count == 1 && digests.first != nil, "\(digests)")
    }

    /// Ranks whose node has no dataset get their share from those that have it.
    @Test func aRankWithoutTheDatasetGetsItsShare() throws {
      let scratch = try ScratchFolder()
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then data=/nonexistent; else data=\(TestData.folder); fi
        exec \(Command.binary) train --data "$data" --steps 12 --run \(scratch("some"))
        """
      let some = try Command(executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script]).run()
      try #require(some.code == 0, "\(some.errors)")
      let all = try Command.alone(
        "train", "--data", TestData.folder, "--steps", "12", "--run", scratch("all")
      ).run()
      try #require(all.code == 0, "\(all.errors)")
      #expect(finalDigest(scratch("some")) == finalDigest(scratch("all")))
    }

    @Test func seedsAndRecipesGiveOtherModels() throws {
      let scratch = try ScratchFolder()
      var digests: Set<String> = []
      let variants = [["--seed", "0"], ["--seed", "1"], ["--shift", "1"], ["--label-smoothing", "0.05"]]
      for (index, flags) in variants.enumerated() {
        let outcome = try Command.ranks(2, ["train", "--run", scratch("\(index)")] + smallProblem + flags)
          .run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        digests.insert(finalDigest(scratch("\(index)")) ?? "")
      }
      #expect(digests.count == variants.count)
    }

    /// Another order of additions moves the loss by rounding alone; a rank or a leaf left out would move it by more.
    @Test func plainAllReduceTrainsTheSameToRounding() throws {
      let scratch = try ScratchFolder()
      for kind in ["native", "reproducible"] {
        let outcome = try Command.ranks(
          3, ["train", "--reduction", kind, "--steps", "6", "--run", scratch(kind)] + smallProblem
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
      }
      let losses = try ["native", "reproducible"].map { kind in
        try metrics(scratch(kind)).filter { $0["event"] as? String == "step" }
          .compactMap { $0["loss"] as? Double }
      }
      #expect(losses[0].count == 6 && losses[1].count == 6)
      for (native, reproducible) in zip(losses[0], losses[1]) {
        #expect(abs(native - reproducible) < 2e-4 * reproducible, "\(losses)")
      }
    }
  }
}
