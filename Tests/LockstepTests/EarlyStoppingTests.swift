import Foundation
import Testing

extension RealRanks {
  /// Runs that validation ends.
  @Suite struct EarlyStoppingTests {
    /// Too few samples to get better at for long.
    private static let problem = [
      "train", "--quiet", "--no-report", "--data", "synthetic:400:3", "--validation", "150", "--global-batch",
      "32",
      "--network", "conv 4x5 stride 2; relu; dense 10", "--optimizer", "sgd", "--learning-rate", "0.1",
      "--epochs",
      "40", "--schedule", "constant", "--keep", "100",
    ]

    private func validation(_ run: String, _ key: String = "validationAccuracy") throws -> [Double] {
      try metrics(run).filter { $0["event"] as? String == "epoch" }.compactMap { $0[key] as? Double }
    }

    /// It ends as many epochs behind the best as its patience says, with the best model and not the last.
    @Test(arguments: [[], ["--averaging", "0.9"]])
    func aRunEndsWithItsBestModel(_ more: [String]) throws {
      let scratch = try ScratchFolder()
      let words = Self.problem + ["--patience", "3"] + more
      var digests: Set<String?> = []
      for ranks in [1, 2, 4] {
        let run = scratch("\(ranks)")
        let outcome = try Command.ranks(ranks, words + ["--run", run]).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        digests.insert(finalDigest(run))
      }
      #expect(digests.count == 1)

      let run = scratch("1")
      let accuracies = try validation(run)
      let best = try #require(accuracies.max())
      let bestEpoch = try #require(accuracies.firstIndex(of: best))
      try #require(accuracies.count < 40, "nothing was stopped")
      #expect(accuracies.count == bestEpoch + 1 + 3)
      #expect(try result(run)["validationAccuracy"] as? Double == best)
      #expect(try result(run)["epochs"] as? Int == accuracies.count)
      let scored = try Command.alone(
        "evaluate", run + "/final.safetensors", "--split", "validation", "--data", "synthetic:400:3", "--json"
      ).run()
      let figures = try JSONSerialization.jsonObject(with: Data(scored.output.utf8)) as? [String: Any]
      #expect(figures?["validationAccuracy"] as? Double == best, "\(scored.errors)")
      // Models of the same accuracy may be told apart by their losses.
      let losses = try validation(run, "validationLoss")
      #expect(figures?["validationLoss"] as? Double == losses[bestEpoch] && losses[bestEpoch] != losses.last)
    }

    /// What validation has said so far is in the checkpoint: where a run was broken off does not show.
    @Test func aRunThatIsResumedEndsAsIfItHadNotBeen() throws {
      let scratch = try ScratchFolder()
      let words = Self.problem + ["--patience", "3"]
      let whole = try Command.ranks(2, words + ["--run", scratch("whole"), "--checkpoint-every", "5"]).run()
      try #require(whole.code == 0, "\(whole.errors)")
      let all = checkpoints(scratch("whole"))
      for (index, name) in [all[1], all[all.count / 2], all[all.count - 2], all[all.count - 1]].enumerated() {
        let run = scratch("\(index)")
        let outcome = try Command.ranks(
          3, words + ["--run", run, "--resume", scratch("whole/checkpoints/" + name)]
        ).run()
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(finalDigest(run) == finalDigest(scratch("whole")), "from \(name)")
      }
      // It is over, and more patience is not.
      let before = finalDigest(scratch("whole"))
      let again = try Command.ranks(2, words + ["--run", scratch("whole"), "--resume"]).run()
      #expect(again.code == 0 && finalDigest(scratch("whole")) == before, "\(again.errors)")
      let epochs = try validation(scratch("whole")).count
      let patient = Self.problem + ["--patience", "6", "--run", scratch("whole"), "--resume"]
      let outcome = try Command.ranks(2, patient).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try validation(scratch("whole")).count > epochs)
      // Without patience there is no best model to go on with.
      let impatient = Self.problem + ["--patience", "0", "--run", scratch("whole"), "--resume"]
      let other = try Command.ranks(2, impatient).run()
      #expect(other.code == 65 && other.errors.contains("early stopping"), "\(other.errors)")
    }
  }
}
