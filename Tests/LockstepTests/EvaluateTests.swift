import Foundation
import Testing

extension RealRanks {
  /// `evaluate` as a user sees it; its figures are tested in `ModelScoresTests`.
  @Suite struct EvaluateTests {
    @Test func modelsAreScoredEachAndAveraged() throws {
      let scratch = try ScratchFolder()
      let data = ["--data", "synthetic:1500:3"]
      var models: [String] = []
      for (name, more) in [
        ("a", ["--recipe", "linear"]), ("b", ["--recipe", "mlp", "--seed", "1"]),
        ("c", ["--averaging", "0.9"]),
      ] {
        let outcome = try Command(
          executable: Command.binary,
          arguments: [
            "train", "--quiet", "--no-report", "--run", scratch(name), "--steps", "15", "--validation", "100",
          ]
            + data + more
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        models.append(scratch(name) + "/final.safetensors")
      }
      func evaluate(_ words: [String], ranks: Int = 1) throws -> Command.Outcome {
        try Command.ranks(ranks, ["evaluate"] + words + data).run()
      }
      let text = try evaluate(models + ["--shifts", "5"])
      try #require(text.code == 0, "\(text.errors)")
      let lines = text.output.split(separator: "\n")
      #expect(lines[0].hasPrefix("model") && lines[0].hasSuffix("plain  5 copies"), "\(text.output)")
      #expect(models.allSatisfy { model in lines.contains { $0.hasPrefix(model) } })
      #expect(text.output.contains("\ntest accuracy of 3 models averaged "))
      #expect(text.output.contains("\nwith 5 shifted copies "))

      let json = try evaluate(models + ["--shifts", "5", "--json"])
      #expect(try evaluate(models + ["--shifts", "5", "--json"], ranks: 3).output == json.output)
      let figures = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      let each = try #require(figures["models"] as? [[String: Any]])
      #expect(each.map { $0["model"] as? String } == models)
      for (entry, name) in zip(each, ["a", "b", "c"]) {
        #expect(try entry["testErrors"] as? Int == result(scratch(name))["testErrors"] as? Int)
        #expect(entry["shiftedErrors"] is Int)
      }
      #expect(
        figures["shifts"] as? Int == 5 && figures["shiftedAccuracy"] is Double
          && figures["testAccuracy"] is Double)

      // A single model without copies says what it always did, named either way.
      let plain = try evaluate(["--model", models[0]])
      #expect(plain.output.hasPrefix("test accuracy ") && !plain.output.contains("copies"))
      #expect(try evaluate([models[0]]).output == plain.output)
    }

    @Test(arguments: [
      (["--shifts", "4", "a"], "--shifts must be an odd number from 1 to 25, found 4"),
      ([], "expected a model"),
    ])
    func whatCannotBeEvaluatedIsSaid(_ words: [String], _ sentence: String) throws {
      let outcome = try Command(executable: Command.binary, arguments: ["evaluate"] + words).run()
      #expect(outcome.code == 64 && outcome.errors.contains(sentence), "\(outcome.errors)")
    }

    /// One row of eleven pictures for each of the first ten images.
    @Test func augmentationIsDrawn() throws {
      let scratch = try ScratchFolder()
      let words = ["describe", "best", "--data", "synthetic:20000:3", "--augmented"]
      for name in ["a.png", "b.png"] {
        let outcome = try Command(executable: Command.binary, arguments: words + [scratch(name)]).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch("a.png")))
      #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: scratch("b.png"))))
      // PNG's header has the width and the height, 4 bytes each, from byte 16 on.
      let sides = bytes[16..<24].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && sides == UInt64(11 * 88) << 32 | 880)
      let wrong = try Command.alone("describe", "no such", "--augmented", scratch("c.png")).run()
      #expect(
        wrong.code == 64 && wrong.errors.contains("--augmented: 'no such' is neither"), "\(wrong.errors)")
    }
  }
}
