import Collectives
import Datasets
import Foundation
import Model
import Runs
import Tensors
import TestSupport
import Testing
import Training

/// A rank that no longer trains the same model is found and named.
@Suite struct DriftTests {
  /// Passes everything on, but flips a bit of one float that this rank receives in one exchange: what a faulty
  /// memory or network would do.
  private static func faulty(_ world: any Communicator, faultyRank: Int) -> any Communicator {
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

  private func train(faultyRank: Int, verifyEvery: Int) throws -> [RunError?] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lockstep-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    return try InProcessWorld(size: 3).run { world in
      var options = TrainingOptions(folder: RunFolder(path: folder.path)) {
        Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
      }
      options.verifyEvery = verifyEvery
      options.algorithm = .direct
      let communicator = Self.faulty(world, faultyRank: faultyRank)
      let trainer = try Trainer(communicator: communicator, options: options, observer: nil) { _ in
        var recipe = try #require(Recipe.named("mlp"))
        recipe.validation = 80
        recipe.epochs = 3
        return recipe
      }
      do {
        _ = try trainer.run()
        return nil
      } catch let error as RunError {
        return error
      }
    }
  }

  @Test(arguments: [1, 5])
  func aDriftingRankIsNamedOnAllRanks(_ verifyEvery: Int) throws {
    let errors = try train(faultyRank: 2, verifyEvery: verifyEvery)
    let step = verifyEvery == 1 ? 4 : 5
    for error in errors {
      let error = try #require(error)
      #expect(error.isShared && error.exitCode == 70)
      #expect(
        error.description.hasPrefix(
          "after step \(step) the parameters of rank 2 differ from those of rank 0 and 1"),
        "\(error.description)")
    }
  }

  @Test func soundRanksPass() throws {
    #expect(try train(faultyRank: -1, verifyEvery: 1).allSatisfy { $0 == nil })
  }
}
