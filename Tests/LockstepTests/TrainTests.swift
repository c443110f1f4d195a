import Foundation
import Testing

extension RealRanks {
  /// What a run gives its user.
  @Suite struct TrainTests {
    /// The main job: `quick` on two ranks. On MNIST the promise is 99.03 %, on drawn digits 98 %.
    @Test func quickReachesItsAccuracyAndKeepsTheContract() throws {
      let scratch = try ScratchFolder()
      let run = scratch("quick")
      let data = TestData.mnist ?? "synthetic"
      let outcome = try Command.ranks(2, ["train", "--data", data, "--run", run]).run()
      try #require(outcome.code == 0, "\(outcome.errors)")

      let figures = try result(run)
      let accuracy = try #require(figures["testAccuracy"] as? Double)
      #expect(accuracy >= (TestData.mnist == nil ? 98 : 99.03), "\(data)")
      #expect(figures["testErrors"] as? Int == Int(((100 - accuracy) * 100).rounded()))
      #expect(try #require(figures["validationAccuracy"] as? Double) > 98)
      #expect(figures["ranks"] as? Int == 2)
      #expect(figures["epochs"] as? Int == 2)
      #expect(figures["steps"] as? Int == 1718)
      #expect(figures["checkpointDigest"] as? String == finalDigest(run))
      #expect(try #require(figures["imagesPerSecond"] as? Double) > 0)
      let seconds = try ["startSeconds", "trainingSeconds", "wallSeconds"].map {
        try #require(figures[$0] as? Double)
      }
      #expect(seconds[0] + seconds[1] <= seconds[2])

      #expect(checkpoints(run) == ["step-000859.safetensors", "step-001718.safetensors"])
      let lines = try metrics(run)
      let steps = lines.filter { $0["event"] as? String == "step" }
      #expect(steps.compactMap { $0["step"] as? Int } == Array(1...1718))
      let phases = try #require(steps[7]["seconds"] as? [String: Double])
      #expect(
        Set(phases.keys) == ["data", "forward", "backward", "reduction", "wait", "update", "checkpoint"])
      let epochs = lines.filter { $0["event"] as? String == "epoch" }
      #expect(epochs.count == 2 && epochs.allSatisfy { $0["validationAccuracy"] is Double })

      // On a pipe: one line per epoch, and nothing that only a terminal understands.
      #expect(!outcome.output.contains("\u{1B}") && !outcome.output.contains("\r"))
      #expect(outcome.output.components(separatedBy: "\nepoch ").count == 3)
      #expect(outcome.output.contains("test accuracy") && outcome.output.contains(run + "/final.safetensors"))

      // The model on disk is the model that was scored.
      let scored = try Command.ranks(
        3, ["evaluate", "--json", "--data", data, "--model", run + "/final.safetensors"]
      ).run()
      let evaluation = try JSONSerialization.jsonObject(with: Data(scored.output.utf8)) as? [String: Any]
      #expect(evaluation?["testErrors"] as? Int == figures["testErrors"] as? Int, "\(scored.errors)")
    }

    /// A run can be repeated from its own output.
    @Test func aRunIsRepeatedFromItsRecipe() throws {
      let scratch = try ScratchFolder()
      let data = ["--data", "synthetic:600:9"]
      let first = try Command.ranks(
        2,
        ["train", "--run", scratch("first"), "--validation", "100", "--recipe", "mlp", "--epochs", "2"]
          + ["--learning-rate", "0.004", "--seed", "5", "--schedule", "cosine"] + data
      ).run()
      try #require(first.code == 0, "\(first.errors)")
      let again = try Command.ranks(
        3, ["train", "--run", scratch("again"), "--recipe", scratch("first") + "/recipe.json"] + data
      ).run()
      try #require(again.code == 0, "\(again.errors)")
      #expect(finalDigest(scratch("first")) == finalDigest(scratch("again")))
    }

    /// A partial recipe takes the rest from the built-in one it names; a misspelt key is an error.
    @Test func recipesInFilesAreCompletedAndChecked() throws {
      let scratch = try ScratchFolder()
      func train(_ recipe: String) throws -> Command.Outcome {
        let file = scratch("recipe-\(UUID().uuidString).json")
        try Data(recipe.utf8).write(to: URL(fileURLWithPath: file))
        return try Command.alone(
          "train", "--recipe", file, "--data", "synthetic:600", "--validation", "100", "--steps", "3",
          "--run",
          scratch(UUID().uuidString)
        ).run()
      }
      let partial = try train(#"{"name": "keras", "optimizer": {"name": "sgd", "momentum": 0.5}}"#)
      #expect(partial.code == 0, "\(partial.errors)")
      #expect(partial.output.contains(#""globalBatch":128"#) && partial.output.contains(#""momentum":0.5"#))
      for (text, words) in [
        (#"{"epocs": 3}"#, "a recipe has no 'epocs'"), (#"{"epochs": "three"}"#, "'epochs'"),
        (#"{"optimizer": {"name": "lion"}}"#, "sgd, adamw, muon"), ("epochs: 3", "expected a recipe in JSON"),
        (#"{"network": "conv 3"}"#, "CHANNELSxKERNEL"),
        (#"{"optimizer": {"name": "sgd", "beta1": 1}}"#, "'optimizer' has no 'beta1'"),
      ] {
        let wrong = try train(text)
        #expect(wrong.code == 64, "\(text)")
        #expect(wrong.errors.contains(words), "\(text): \(wrong.errors)")
      }
    }

    @Test func verboseNamesHostsAndCores() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command.ranks(
        2,
        ["train", "--verbose", "--steps", "2", "--data", "synthetic:500", "--validation", "100"]
          + ["--run", scratch("run")]
      ).run()
      #expect(outcome.output.contains("rank 0: ") && outcome.output.contains("rank 1: "), "\(outcome.errors)")
      #expect(outcome.output.contains("core"))
    }

    /// A reader that goes away does not end the training.
    @Test func aClosedPipeLosesNothing() throws {
      let scratch = try ScratchFolder()
      let script =
        "\(Command.binary) train --data synthetic:2000 --validation 200 --epochs 3 --run \(scratch("run")) | head -1"
      let outcome = try Command(executable: "sh", arguments: ["-c", script]).run()
      #expect(outcome.output.split(separator: "\n").count == 1)
      // `head` may be gone before the trainer is done.
      let deadline = Date().addingTimeInterval(60)
      while finalDigest(scratch("run")) == nil, Date() < deadline { usleep(20_000) }
      #expect(finalDigest(scratch("run")) != nil)
    }
  }
}
