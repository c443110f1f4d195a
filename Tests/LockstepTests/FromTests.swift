import Digests
import Foundation
import Testing

extension RealRanks {
  /// `train --from`: runs that begin with a model's weights.
  @Suite struct FromTests {
    private func train(_ ranks: Int, _ run: String, _ words: [String]) throws -> Command.Outcome {
      try Command.ranks(ranks, ["train", "--quiet", "--no-report", "--run", run] + words).run()
    }

    @Test func fineTuningGivesTheSameBitsAtAnyNumberOfRanks() throws {
      let scratch = try ScratchFolder()
      let first = try train(1, scratch("first"), smallProblem + ["--averaging", "0.9"])
      try #require(first.code == 0, "\(first.errors)")
      let model = scratch("first/final.safetensors")
      let digest = try #require(finalDigest(scratch("first")))
      // Another dataset, optimizer and schedule; the network and the rest are the model's.
      let words = [
        "--from", model, "--data", "synthetic:400:9", "--optimizer", "sgd", "--learning-rate", "0.01",
        "--epochs", "2",
      ]
      var digests: Set<String> = []
      for ranks in [1, 3] {
        let run = scratch("tuned-\(ranks)")
        let outcome = try train(ranks, run, words)
        try #require(outcome.code == 0, "\(outcome.errors)")
        digests.insert(try #require(finalDigest(run)))
        #expect(try result(run)["initialModel"] as? String == digest)
        let recipe = try String(contentsOfFile: run + "/recipe.json", encoding: .utf8)
        #expect(recipe.contains(digest))
        #expect(try metrics(run).first { $0["event"] as? String == "step" }?["step"] as? Int == 1)
      }
      #expect(digests.count == 1)
      // Ranks that share no memory, and the run's own recipe, lead to it too.
      let again = try train(
        2, scratch("again"),
        [
          "--no-shared-memory", "--data", "synthetic:400:9", "--from", model, "--recipe",
          scratch("tuned-1/recipe.json"),
        ])
      #expect(again.code == 0, "\(again.errors)")
      #expect(finalDigest(scratch("again")).map { digests.contains($0) } == true)
      // Without the model, the recipe cannot be followed.
      let without = try train(
        1, scratch("without"), ["--data", "synthetic:400:9", "--recipe", scratch("tuned-1/recipe.json")])
      #expect(without.code == 64 && without.errors.contains("name its file by --from"), "\(without.errors)")
    }

    /// With a learning rate of next to nothing the model stays what it was: the weights are those that were evaluated.
    @Test func aRunBeginsWithTheWeightsThatWereEvaluated() throws {
      let scratch = try ScratchFolder()
      #expect(try train(2, scratch("first"), smallProblem + ["--averaging", "0.9"]).code == 0)
      let words = [
        "--from", scratch("first/final.safetensors"), "--data", "synthetic:500:3", "--optimizer", "sgd",
        "--learning-rate", "1e-30", "--weight-decay", "0", "--epochs", "1",
      ]
      #expect(try train(2, scratch("still"), words).code == 0)
      let confusions = try ["first", "still"].map { try result(scratch($0))["testConfusion"] as? [[Int]] }
      #expect(confusions[0] == confusions[1])
    }

    @Test func aRunThatWasStoppedGoesOnWithoutTheModel() throws {
      let scratch = try ScratchFolder()
      #expect(try train(1, scratch("first"), smallProblem).code == 0)
      let model = scratch("first/final.safetensors")
      let words = ["--data", "synthetic:500:3"]
      #expect(try train(1, scratch("whole"), words + ["--from", model]).code == 0)
      let part = words + ["--from", model, "--resume"]
      #expect(try train(1, scratch("parts"), part).code == 0)
      for name in ["result.json", "final.safetensors"] {
        try FileManager.default.removeItem(atPath: scratch("parts/\(name)"))
      }
      for name in checkpoints(scratch("parts")).dropFirst() {
        try FileManager.default.removeItem(atPath: scratch("parts/checkpoints/\(name)"))
      }
      let other = try train(
        1, scratch("parts"), words + ["--resume", "--from", scratch("whole/final.safetensors")])
      #expect(other.code == 65 && other.errors.contains("another initial model"), "\(other.errors)")
      #expect(try train(2, scratch("parts"), words + ["--resume"]).code == 0)
      #expect(finalDigest(scratch("parts")) == finalDigest(scratch("whole")))
    }

    @Test func whatIsNoModelForTheRunIsSaid() throws {
      let scratch = try ScratchFolder()
      #expect(try train(1, scratch("first"), smallProblem).code == 0)
      let model = scratch("first/final.safetensors")
      let words = ["--data", "synthetic:500:3", "--from"]
      let missing = try train(2, scratch("a"), words + [scratch("none")])
      #expect(missing.code == 66 && missing.errors.contains("none: cannot be read"), "\(missing.errors)")
      let other = try train(2, scratch("a"), words + [model, "--recipe", "linear"])
      #expect(other.code == 65 && other.errors.contains("is a model of the network"), "\(other.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("a")))
    }

    @Test func importedModelsAreEvaluatedAndTrainedOn() throws {
      let scratch = try ScratchFolder()
      #expect(try train(1, scratch("first"), smallProblem).code == 0)
      func run(_ words: String...) throws -> Command.Outcome {
        try Command(executable: Command.binary, arguments: words).run()
      }
      #expect(try run("export", scratch("first/final.safetensors"), "--format", "onnx").code == 0)
      let imported = try run("import", scratch("first/final.onnx"), "--out", scratch("back.safetensors"))
      #expect(imported.code == 0 && imported.output.contains("conv2"), "\(imported.errors)")
      let figures = try ["first/final.safetensors", "back.safetensors"].map {
        try run("evaluate", "--model", scratch($0), "--data", "synthetic:500:3", "--json").output
      }
      #expect(figures[0] == figures[1] && figures[0].contains("testErrors"))
      let on = [
        "--data", "synthetic:500:3", "--validation", "100", "--steps", "3", "--from",
        scratch("back.safetensors"),
      ]
      #expect(try train(2, scratch("on"), on).code == 0)
      let resumed = try train(
        1, scratch("resumed"),
        ["--data", "synthetic:500:3", "--validation", "100", "--resume", scratch("back.safetensors")])
      #expect(
        resumed.code == 65 && resumed.errors.contains("begin a run with it by --from"), "\(resumed.errors)")
    }
  }
}
