import Collectives
import Datasets
import Foundation
import Model
import Runs
import Tensors
import TestSupport
import Testing
import Training

/// Nodes that no longer train the same model are found and named, and what they came to is not saved.
@Suite struct DriftTests {
  /// What one training of a small problem is like.
  private struct Situation {
    /// The rank that computes wrong, if any.
    var faultyRank: Int?
    var size = 3
    var ranksPerNode = 1
    var verifyEvery = 200
    var checkpointEvery: Int?
    var learningRate: Float?
    var steps: Int?
    var resume = TrainingOptions.Resumption.none
  }

  /// Passes everything on, but flips a bit of one float that this rank receives in one exchange: what a faulty
  /// memory or network would do.
  private static func faulty(_ world: any Communicator, faultyRank: Int?) -> any Communicator {
    var exchanges = 0
    return ForwardingCommunicator(world) { _, receives, forward throws(CommunicatorError) in
      try forward()
      exchanges += 1
      // The second exchange of a direct reduction hands out finished sums: nobody else sees what goes wrong in it.
      if world.rank == faultyRank, exchanges == 8, let message = receives.first {
        let values = message.buffer.slice(message.range)
        values[3] = Float(bitPattern: values[3].bitPattern ^ 0x40_0000)
      }
    }
  }

  private func train(_ situation: Situation, in folder: String) throws -> [RunError?] {
    try InProcessWorld(size: situation.size, ranksPerNode: situation.ranksPerNode, stallTimeout: 20).run {
      world in
      var options = TrainingOptions(folder: RunFolder(path: folder)) {
        Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
      }
      options.verifyEvery = situation.verifyEvery
      options.checkpointEvery = situation.checkpointEvery
      options.checkpointsKept = 100
      options.algorithm = .direct
      options.resume = situation.resume
      let communicator = Self.faulty(world, faultyRank: situation.faultyRank)
      do {
        let trainer = try Trainer(communicator: communicator, options: options, observer: nil) { _ in
          var recipe = try #require(Recipe.named("mlp"))
          recipe.validation = 80
          recipe.epochs = 3
          recipe.steps = situation.steps
          if let rate = situation.learningRate {
            recipe.optimizer = recipe.optimizer.scaled(by: rate / recipe.optimizer.learningRate)
          }
          return recipe
        }
        _ = try trainer.run()
        return nil
      } catch let error as RunError {
        return error
      }
    }
  }

  private func train(_ situation: Situation) throws -> [RunError?] {
    let scratch = try Scratch()
    return try train(situation, in: scratch("run"))
  }

  private func checkpoints(_ scratch: Scratch, _ run: String) throws -> [String: [UInt8]] {
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch("\(run)/checkpoints"))
    return Dictionary(
      uniqueKeysWithValues: try names.map { ($0, try scratch.read("\(run)/checkpoints/\($0)")) })
  }

  @Test(arguments: [1, 5])
  func aDriftingRankIsNamedOnAllRanks(_ verifyEvery: Int) throws {
    let errors = try train(Situation(faultyRank: 2, verifyEvery: verifyEvery))
    let step = verifyEvery == 1 ? 4 : 5
    for error in errors {
      let error = try #require(error)
      #expect(error.isShared && error.exitCode == 70)
      #expect(
        error.description.hasPrefix(
          "after step \(step) the parameters of rank 2 differ from those of rank 0 and 1"),
        "\(error.description)")
      #expect(error.description.contains("last the same after step \(verifyEvery == 1 ? 3 : 0)"))
    }
  }

  @Test func soundRanksPass() throws {
    #expect(try train(Situation(verifyEvery: 1)).allSatisfy { $0 == nil })
  }

  /// Nodes are compared, and all ranks of the one that drifted are named.
  @Test func aDriftingNodeIsNamed() throws {
    let errors = try train(Situation(faultyRank: 2, size: 5, ranksPerNode: 2, verifyEvery: 1))
    for error in errors {
      let words = try #require(error).description
      #expect(
        words.contains("the parameters of rank 2 and 3 differ from those of rank 0, 1 and 4"), "\(words)")
    }
  }

  /// A learning rate that moves no weight leaves only the moments to tell.
  @Test func momentsAreComparedToo() throws {
    let errors = try train(Situation(faultyRank: 1, verifyEvery: 1, learningRate: 1e-30))
    for error in errors {
      let words = try #require(error).description
      #expect(words.hasPrefix("after step 4 the optimizer's moments ("), "\(words)")
      #expect(words.contains(" of rank 1 differ from those of rank 0 and 2"), "\(words)")
    }
  }

  /// Whoever drifts, the root too, and however rarely ranks compare: what is saved is what a sound run saves.
  @Test(arguments: [0, 2])
  func nothingOfADriftedRankIsSaved(_ faultyRank: Int) throws {
    let scratch = try Scratch()
    let errors = try train(Situation(faultyRank: faultyRank, checkpointEvery: 3), in: scratch("faulty"))
    for error in errors {
      let words = try #require(error).description
      #expect(words.contains("after step 5 the parameters of rank \(faultyRank) differ"), "\(words)")
      #expect(words.contains("they were last the same after step 3"), "\(words)")
    }
    #expect(try train(Situation(checkpointEvery: 3), in: scratch("sound")).allSatisfy { $0 == nil })
    let (faulty, sound) = (try checkpoints(scratch, "faulty"), try checkpoints(scratch, "sound"))
    #expect(faulty["step-000003.safetensors"] != nil && faulty["step-000005.safetensors"] == nil)
    for (name, bytes) in faulty {
      let isTheSame = sound[name] == bytes
      #expect(isTheSame, "\(name)")
    }
  }

  /// A run that goes on from an older checkpoint leaves the later ones: the newest is what it came to last. The state
  /// reaches nodes that did not read the file.
  @Test func goingBackSetsLaterCheckpointsAside() throws {
    let scratch = try Scratch()
    let run = scratch("run")
    #expect(try train(Situation(checkpointEvery: 2, steps: 8), in: run).allSatisfy { $0 == nil })
    let whole = try checkpoints(scratch, "run")
    // As a run that has not come to its end.
    for name in ["result.json", "final.safetensors"] {
      try FileManager.default.removeItem(atPath: scratch("run/" + name))
    }
    let file = TrainingOptions.Resumption.file(scratch("run/checkpoints/step-000004.safetensors"))
    let again = try train(
      Situation(size: 5, ranksPerNode: 2, checkpointEvery: 2, steps: 8, resume: file), in: run)
    #expect(again.allSatisfy { $0 == nil }, "\(again)")
    let found = try checkpoints(scratch, "run")
    for name in ["step-000006.safetensors", "step-000008.safetensors"] {
      let isLeft = whole[name] != nil && found[name + ".left"] == whole[name]
      let isTheSame = found[name] == whole[name]
      #expect(isLeft && isTheSame, "\(name)")
    }
  }
}
