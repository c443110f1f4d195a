import Foundation
import Testing

extension RealRanks {
  /// One model on every processor: whatever kernels OpenBLAS would choose, whatever vectors the processor has, in any
  /// mix among the ranks.
  @Suite struct ProductsTests {
    /// All named recipes have the parameters that are shipped, on what stands for another processor each: what OpenBLAS
    /// would choose, and narrower vectors.
    @Test(arguments: [
      ("auto", "OPENBLAS_CORETYPE", "Cooperlake"), ("auto", "OPENBLAS_CORETYPE", "Haswell"),
      ("auto", "OPENBLAS_CORETYPE", "Prescott"), ("own", "OPENBLAS_CORETYPE", "Prescott"),
      ("auto", "LOCKSTEP_LANES", "8"), ("own", "LOCKSTEP_LANES", "4"),
    ])
    func theSelfTestPasses(_ choice: String, _ name: String, _ value: String) throws {
      var command = Command.alone("selftest", "--products", choice)
      command.environment = [name: value]
      let outcome = try command.run()
      #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains("the same 11 models as ours"))
    }

    /// OpenBLAS's own bits are what the self-test is there to notice.
    @Test func theSelfTestNamesRanksThatComputeSomethingElse() throws {
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then set -- --products openblas; export OPENBLAS_CORETYPE=Nehalem; fi
        exec \(Command.binary) selftest "$@"
        """
      let outcome = try Command(
        executable: "mpirun", arguments: Command.mpirun(3) + ["sh", "-c", script, "sh"]
      ).run()
      #expect(outcome.code == 1, "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains(/\n +0 +\S+ +.* +the same\n/))
      #expect(
        outcome.output.contains(#/\n +1 +\S+ +OpenBLAS \S+ Nehalem +other bits: quick, /#),
        "\(outcome.output)")
      #expect(outcome.output.contains("rank 1 computes other models than ours"))
    }

    /// The digest that README names, on the real dataset, in a mix of processors.
    @Test(.enabled(if: TestData.mnist != nil, "needs MNIST itself"))
    func quickEndsInItsDigestOnAnyMixOfProcessors() throws {
      let expected = "f1cb09b1de4617182a24a4a26164efb26dd1456d40aa8b57b40d9d636c09df4b"
      let scratch = try ScratchFolder()
      let script = """
        case "$OMPI_COMM_WORLD_RANK" in 1) export LOCKSTEP_LANES=8 ;; 2) export OPENBLAS_CORETYPE=Prescott ;; \
        3) set -- "$@" --products own ;; 4) export LOCKSTEP_LANES=4 ;; esac
        exec \(Command.binary) "$@"
        """
      let words = ["train", "-q", "--no-report", "--data", TestData.folder, "--run", scratch("run")]
      let outcome = try Command(
        executable: "mpirun", arguments: Command.mpirun(5) + ["sh", "-c", script, "sh"] + words
      ).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      #expect(try result(scratch("run"))["parametersDigest"] as? String == expected)
    }

    /// Every named recipe at several numbers of ranks, each rank another processor.
    @Test(arguments: ["medium", "keras", "wide"])
    func recipesGiveOneModelInAMixOfProcessors(_ recipe: String) throws {
      let scratch = try ScratchFolder()
      let script = """
        case "$OMPI_COMM_WORLD_RANK" in 1) export LOCKSTEP_LANES=8 ;; 2) export OPENBLAS_CORETYPE=Prescott ;; esac
        exec \(Command.binary) "$@"
        """
      var digests: [String: String] = [:]
      for ranks in [1, 3] {
        let words = [
          "train", "-q", "--no-report", "--recipe", recipe, "--data", "synthetic:900", "--validation", "100",
          "--global-batch", "96", "--steps", "6", "--run", scratch("\(ranks)"),
        ]
        let outcome = try Command(
          executable: "mpirun", arguments: Command.mpirun(ranks) + ["sh", "-c", script, "sh"] + words
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        digests["\(ranks)"] = finalDigest(scratch("\(ranks)"))
      }
      #expect(digests.count == 2 && Set(digests.values).count == 1, "\(digests)")
    }

    private let small = [
      "--data", "synthetic:1000", "--validation", "100", "--schedule", "constant", "--no-report",
    ]

    /// OpenBLAS's own bits in a mix would make the model depend on who computes what.
    @Test func mixedBitsAreRefusedUnlessInsistedOn() throws {
      let scratch = try ScratchFolder()
      let script = """
        if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then export OPENBLAS_CORETYPE=Nehalem; \
        else export OPENBLAS_CORETYPE=Haswell; fi
        exec \(Command.binary) "$@"
        """
      let words =
        ["train", "--products", "openblas", "--optimizer", "adamw", "--steps", "3", "--run", scratch("run")]
        + small
      let call = Command.mpirun(3) + ["sh", "-c", script, "sh"]
      let refused = try Command(executable: "mpirun", arguments: call + words).run()
      #expect(refused.code == 64, "\(refused.errors)")
      #expect(
        refused.errors.contains(/OpenBLAS \S+ Haswell on rank 0 and 2; OpenBLAS \S+ Nehalem on rank 1/),
        "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("run")))
      let insisted = try Command(executable: "mpirun", arguments: call + words + ["--mixed-products"]).run()
      #expect(insisted.code == 0, "\(insisted.errors)")
    }

    @Test func aRunGoesOnWithProductsOfTheSameBits() throws {
      let scratch = try ScratchFolder()
      func train(_ run: String, _ words: String..., lanes: String = "8") throws -> Command.Outcome {
        var command = Command.ranks(2, ["train", "--run", scratch(run)] + small + words)
        command.environment = ["LOCKSTEP_LANES": lanes, "OPENBLAS_CORETYPE": "Haswell"]
        return try command.run()
      }
      try #require(try train("blas", "--steps", "3", "--products", "openblas").code == 0)
      #expect(try result(scratch("blas"))["products"] as? String == "openblas")
      let other = try train("blas", "--resume", "--steps", "5")
      #expect(other.code == 65, "\(other.errors)")
      #expect(
        other.errors.contains(
          /was written with the products of OpenBLAS \S+ Haswell, this run has products as defined/),
        "\(other.errors)")
      #expect(try train("blas", "--resume", "--steps", "5", "--mixed-products").code == 0)

      try #require(try train("defined", "--steps", "3").code == 0)
      #expect(try result(scratch("defined"))["products"] as? String == "auto")
      #expect(try train("defined", "--resume", "--steps", "5", "--products", "openblas").code == 65)
      #expect(try train("defined", "--resume", "--steps", "5", "--products", "own", lanes: "4").code == 0)
      try #require(try train("unbroken", "--steps", "5").code == 0)
      #expect(
        finalDigest(scratch("defined")) != nil
          && finalDigest(scratch("defined")) == finalDigest(scratch("unbroken")))
    }

    @Test func lanesThatDoNotExistAreRefused() throws {
      for (lanes, words) in [
        ("7", "vectors of 7 floats"), ("x", "LOCKSTEP_LANES: expected 4, 8 or 16, found 'x'"),
      ] {
        var command = Command.alone("describe", "quick")
        command.environment = ["LOCKSTEP_LANES": lanes]
        let outcome = try command.run()
        #expect(outcome.code == 64 && outcome.errors.contains(words), "\(outcome.errors)")
      }
    }
  }
}
