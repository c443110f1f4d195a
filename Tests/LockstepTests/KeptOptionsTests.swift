import Foundation
import Testing

extension RealRanks {
  /// What is said once holds for the whole run.
  @Suite struct KeptOptionsTests {
    /// Seven steps to an epoch.
    private let problem = [
      "--recipe", "linear", "--data", "synthetic:548:1", "--validation", "100", "--global-batch", "64",
      "--schedule", "constant",
    ]

    private func savedSteps(_ run: String) throws -> [Int] {
      try metrics(run).filter { $0["event"] as? String == "checkpoint" }.compactMap { $0["step"] as? Int }
    }

    @Test func aRunGoesOnAsItBegan() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let begun = try Command.ranks(
        2,
        ["train", "--run", run, "--steps", "10", "--checkpoint-every", "5", "--keep", "2", "--no-report"]
          + problem
      ).run()
      #expect(begun.code == 0, "\(begun.errors)")
      #expect(try savedSteps(run) == [5, 7, 10])
      let resumed = try Command.ranks(3, ["train", "--run", run, "--resume", "--steps", "23"]).run()
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(
        resumed.output.contains(
          "with --checkpoint-every 5 --keep 2 --no-report --data synthetic:548:1, as this run had it\n"),
        "\(resumed.output)")
      #expect(try savedSteps(run) == [5, 7, 10, 14, 15, 20, 21, 23])
      #expect(!FileManager.default.fileExists(atPath: run + "/report.html"))

      let changed = try Command.ranks(
        2, ["train", "--run", run, "--resume", "--steps", "27", "--checkpoint-every", "0", "--report"]
      ).run()
      #expect(changed.code == 0, "\(changed.errors)")
      #expect(try savedSteps(run).suffix(2) == [23, 27], "none at 25")
      #expect(FileManager.default.fileExists(atPath: run + "/report.html"))
      let text = try String(contentsOfFile: run + "/options.json", encoding: .utf8)
      #expect(text.contains(#""checkpointEvery" : 0"#) && text.contains(#""report" : true"#), "\(text)")

      // None of this is the model's business.
      let whole = try Command.alone(
        "train", "--quiet", "--no-report", "--run", scratch("whole"), "--steps", "27", "--recipe", "linear",
        "--data", "synthetic:548:1", "--validation", "100", "--global-batch", "64", "--schedule", "constant"
      ).run()
      #expect(whole.code == 0, "\(whole.errors)")
      #expect(finalDigest(run) != nil && finalDigest(run) == finalDigest(scratch("whole")))
    }

    /// On another machine the samples may lie elsewhere.
    @Test func samplesThatAreGoneAreLookedForInTheUsualPlaces() throws {
      let scratch = try ScratchFolder()
      try TestData.writeIDX(to: scratch("here"))
      try FileManager.default.copyItem(atPath: scratch("here"), toPath: scratch("there"))
      let words = ["train", "--quiet", "--no-report", "--run", scratch("run")]
      let begun = try Command(
        executable: Command.binary,
        arguments: words + [
          "--recipe", "linear", "--validation", "100", "--steps", "4", "--data", scratch("here"),
        ]
      ).run()
      #expect(begun.code == 0, "\(begun.errors)")
      try FileManager.default.removeItem(atPath: scratch("here"))
      var on = Command(executable: Command.binary, arguments: words + ["--resume", "--steps", "6"])
      on.environment["LOCKSTEP_DATA"] = scratch("there")
      let resumed = try on.run()
      #expect(resumed.code == 0, "\(resumed.errors)")
    }

    @Test func aNewFolderIsCalledAfterTheRecipe() throws {
      let scratch = try ScratchFolder()
      try Data(#"{"name": "small one", "network": "dense 10"}"#.utf8).write(
        to: URL(fileURLWithPath: scratch("recipe.json")))
      let model = scratch("first") + "/final.safetensors"
      func train(_ words: String) throws -> String {
        let outcome = try Command(
          executable: "sh",
          arguments: [
            "-c",
            "cd '\(scratch.path)' && exec '\(Command.binary)' train --no-report --data synthetic:400 "
              + "--validation 100 --steps 1 \(words)",
          ]
        ).run()
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output
      }
      _ = try train("--run first --recipe linear")
      let names = ["linear-changed", "small-one", "linear-changed"]
      for (name, words) in zip(names, ["--recipe linear", "--recipe recipe.json", "--from \(model)"]) {
        let output = try train(words)
        #expect(output.contains("run   runs/\(name)-20"), "\(output)")
      }
      let output = try train("--recipe linear --network 'dense 10'")
      #expect(output.contains("recipe linear-changed (steps, validation): {"), "\(output)")
    }
  }
}
