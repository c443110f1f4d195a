import Foundation
import Testing

extension RealRanks {
  /// The other commands, as a user sees them.
  @Suite struct CommandTests {
    @Test func describeShowsLayersAsATable() throws {
      let outcome = try Command.alone("describe", "keras").run()
      #expect(outcome.code == 0)
      #expect(
        outcome.output == """
          layer        output    parameters  forward FLOPs
          ───────────  ────────  ──────────  ─────────────
          image        28×28×1
          conv 32x3    26×26×32         320        411,008
          relu         26×26×32                     21,632
          maxpool 2    13×13×32                     16,224
          conv 64x3    11×11×64      18,496      4,468,288
          relu         11×11×64                      7,744
          maxpool 2    5×5×64                        4,800
          dropout 0.5  5×5×64                        1,600
          dense 10     10            16,010         32,010
          ───────────  ────────  ──────────  ─────────────
          sum                        34,826      4,963,306

          """)
    }

    /// A recipe's name need not be its network's.
    @Test func describeKnowsRecipes() throws {
      let recipe = try Command.alone("describe", "medium-1024").run()
      let network = try Command.alone("describe", "medium").run()
      #expect(recipe.code == 0 && recipe.output == network.output)
    }

    @Test func describePointsAtTheOffendingWord() throws {
      let outcome = try Command.alone("describe", "conv 8x3; pool 2; dense 10").run()
      #expect(outcome.code == 64)
      #expect(
        outcome.errors.hasSuffix("  conv 8x3; pool 2; dense 10\n            ^^^^\n"), "\(outcome.errors)")
    }

    @Test func inspectShowsAndComparesCheckpoints() throws {
      let scratch = try ScratchFolder()
      for seed in ["1", "2"] {
        let outcome = try Command.alone(
          "train", "--recipe", "linear", "--steps", "2", "--seed", seed, "--data", "synthetic:500",
          "--validation", "100", "--run", scratch(seed)
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
      }
      let (a, b) = (scratch("1") + "/final.safetensors", scratch("2") + "/final.safetensors")
      let shown = try Command.alone("inspect", a).run()
      #expect(shown.code == 0)
      #expect(shown.output.contains("digest verified") && shown.output.contains("\"seed\":1"))
      #expect(shown.output.contains("parameters.dense1.weight") && shown.output.contains("784×10"))
      let equal = try Command.alone("inspect", a, a).run()
      #expect(equal.code == 0 && equal.output == "equal\n")
      let different = try Command.alone("inspect", a, b).run()
      #expect(different.code == 1)
      #expect(different.output.contains("parameters.dense1.weight: 7840 of 7840 values differ"))

      var bytes = try Data(contentsOf: URL(fileURLWithPath: a))
      bytes[bytes.count - 3] ^= 4
      try bytes.write(to: URL(fileURLWithPath: a))
      let damaged = try Command.alone("inspect", a).run()
      #expect(damaged.code == 65 && damaged.errors.contains(a), "\(damaged.errors)")
    }

    @Test func predictDrawsImagesWithTheirProbabilities() throws {
      let scratch = try ScratchFolder()
      let trained = try Command.ranks(
        2,
        [
          "train", "--steps", "150", "--data", "synthetic:3000", "--validation", "100", "--run",
          scratch("run"),
        ]
      ).run()
      try #require(trained.code == 0, "\(trained.errors)")
      let model = scratch("run") + "/final.safetensors"
      let outcome = try Command.alone("predict", "--model", model, "--data", "synthetic:3000", "0", "1").run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.output.contains("test image 0: label") && outcome.output.contains("test image 1: label"))
      #expect(outcome.output.contains("@@") && outcome.output.contains(" %"))
      let beyond = try Command.alone("predict", "--model", model, "--data", "synthetic:3000", "500").run()
      #expect(beyond.code == 64)
      #expect(beyond.errors.contains("images 0 to 499"), "\(beyond.errors)")
    }

    @Test func fetchSaysWhyNothingCame() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command.alone(
        "fetch", "--to", scratch("data"), "--only", "--mirror", "http://127.0.0.1:9/"
      ).run()
      #expect(outcome.code == 69)
      #expect(outcome.errors.contains("train-images-idx3-ubyte") && outcome.errors.contains("127.0.0.1:9"))
      let files = try FileManager.default.contentsOfDirectory(atPath: scratch("data"))
      #expect(files.isEmpty, "nothing half-written: \(files)")
    }

    @Test func withoutADatasetTheSentenceSaysWhatToDo() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: "sh", arguments: ["-c", "cd \(scratch.path) && exec \(Command.binary) train"],
        environment: ["LOCKSTEP_DATA": "", "XDG_CACHE_HOME": scratch.path]
      ).run()
      #expect(outcome.code == 66)
      #expect(outcome.errors.contains("lockstep fetch") && outcome.errors.contains("--data synthetic"))
    }
  }
}
