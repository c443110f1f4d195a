import Foundation
import Testing

extension RealRanks {
  /// Runs that are taken again by other processes, and what is found in those that were not computed as they say.
  @Suite struct VerifyTests {
    private func train(
      _ ranks: Int, _ run: String, _ more: [String] = [], environment: [String: String] = [:]
    ) throws {
      let words = ["train", "-q", "--no-report", "--run", run, "--checkpoint-every", "3", "--keep", "9"]
      var command = Command.ranks(ranks, words + smallProblem + more)
      command.environment = environment
      let outcome = try command.run()
      try #require(outcome.code == 0, "\(outcome.errors)")
    }

    @Test func aSoundRunIsTheSameOnOtherRanks() throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      try train(2, run)
      let all = try Command.ranks(3, ["verify", run]).run()
      #expect(all.code == 0, "\(all.errors)")
      #expect(all.output.contains("18 of 18 steps re-executed on 3 ranks"), "\(all.output)")
      #expect(all.output.contains(": the same, and so are the states of "))
      let piece = try Command.alone("verify", run, "--steps", "5..7").run()
      #expect(
        piece.code == 0 && piece.output.contains("4 of 18 steps re-executed on 1 rank"), "\(piece.output)")
      let sample = try Command.alone("verify", run, "--sample", "4").run()
      #expect(sample.code == 0 && sample.output.contains("4 of 18 steps were drawn"), "\(sample.output)")
      let link = try #require(result(run)["receipt"] as? String)
      let inspected = try Command.alone("inspect", run + "/final.safetensors").run()
      #expect(inspected.output.contains("receipt beside it: \(link), of 18 steps"))
      #expect(
        try Command.alone("inspect", run + "/receipt.safetensors").run().output.contains("receipt: \(link)"))
      for (words, code) in [
        (["--steps", "7..5"], Int32(64)), (["--steps", "5..19"], 64), (["--data", "synthetic:500:4"], 65),
      ] {
        let refused = try Command(executable: Command.binary, arguments: ["verify", run] + words).run()
        #expect(refused.code == code, "\(words): \(refused.errors)")
      }
    }

    /// Both ranks go on with the same wrong sum, and no comparison among them can tell.
    @Test func aFlippedBitIsFoundAndNamed() throws {
      let scratch = try ScratchFolder()
      try train(2, scratch("sound"))
      // Rank 1 begins with micro-batch 10 of 18.
      try train(
        2, scratch("faulty"), ["--deal", "equal"], environment: ["LOCKSTEP_FLIP": "1:8:5413:25"])
      #expect(finalDigest(scratch("sound")) != finalDigest(scratch("faulty")))
      let verified = try Command.ranks(2, ["verify", scratch("faulty")]).run()
      #expect(verified.code == 1, "\(verified.errors)")
      #expect(verified.output.contains("step 8 has another gradient"), "\(verified.output)")
      let compared = try Command.alone("diff", scratch("sound"), scratch("faulty")).run()
      #expect(compared.code == 1, "\(compared.errors)")
      #expect(
        compared.output.contains("steps 1 to 7 are the same\nstep 8 is where they part: the gradients differ")
      )
      #expect(compared.output.contains("that of \(scratch("faulty")) was not computed as its recipe says"))
      #expect(compared.output.contains("one value is wrong, of the gradient: dense1.bias[9] was "))
      #expect(
        compared.output.contains("as if bit 25 of it had been flipped in micro-batch 10\n"),
        "\(compared.output)")
      let equal = try Command.alone("diff", scratch("sound"), scratch("sound")).run()
      #expect(equal.code == 0 && equal.output == "steps 1 to 18 are the same\n")
    }

    /// The layer whose products have other bits, by re-execution with both.
    @Test func productsOfOtherBitsAreFoundInTheirLayer() throws {
      let scratch = try ScratchFolder()
      let environment = ["OPENBLAS_CORETYPE": "Nehalem"]
      try train(1, scratch("defined"))
      try train(1, scratch("openblas"), ["--products", "openblas"], environment: environment)
      var command = Command.alone("diff", scratch("defined"), scratch("openblas"))
      command.environment = environment
      let compared = try command.run()
      #expect(compared.code == 1, "\(compared.errors)")
      #expect(compared.output.hasPrefix("products: defined | OpenBLAS "), "\(compared.output)")
      #expect(
        compared.output.contains(
          #/step 1 is where they part: the gradients differ\nre-executed as each was run: in micro-batch 1, the (output|gradient) of /#
        ),
        "\(compared.output)")
      let refused = try Command.alone("verify", scratch("openblas")).run()
      #expect(refused.code == 65 && refused.errors.contains("--products openblas"), "\(refused.errors)")
      command = Command.alone("verify", scratch("openblas"), "--products", "openblas")
      command.environment = environment
      let same = try command.run()
      #expect(same.code == 0 && same.output.contains("18 of 18 steps"), "\(same.output)\(same.errors)")
    }

    /// A run that was killed goes on with its chain, and one that goes on with another learning rate parts there.
    @Test func resumedRunsAreVerifiedAcrossTheBreak() throws {
      let scratch = try ScratchFolder()
      try train(2, scratch("a"))
      let file = scratch("a") + "/checkpoints/step-000009.safetensors"
      try train(3, scratch("b"), ["--resume", file, "--learning-rate", "0.004"])
      let compared = try Command.alone("diff", scratch("a"), scratch("b")).run()
      #expect(compared.code == 1, "\(compared.errors)")
      #expect(compared.output.contains("optimizer.learningRate: "), "\(compared.output)")
      #expect(compared.output.contains("step 10 is where they part: the gradients are the same"))
      #expect(compared.output.contains("all gradients are the same; after the update, first of "))
      let rest = try Command.alone("verify", scratch("b")).run()
      #expect(rest.code == 0 && rest.output.contains("steps 10 to 12 cannot be checked"), "\(rest.output)")
      let whole = try Command.ranks(2, ["verify", scratch("b"), "--checkpoint", file]).run()
      #expect(
        whole.code == 0 && whole.output.contains("9 of 18 steps re-executed on 2 ranks"), "\(whole.output)")
    }
  }
}
