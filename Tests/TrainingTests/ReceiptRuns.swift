import Checkpoints
import Collectives
import Datasets
import Foundation
import Model
import Runs
import TestSupport
import Testing
import Training

/// A small run for tests of receipts: 40 samples a step in micro-batches of 4, 8 steps to an epoch.
struct ReceiptRun {
  var size = 1
  var ranksPerNode = 1
  var recipe = "mlp"
  var steps = 12
  var checkpointEvery: Int? = 4
  var learningRate: Float?
  var seed: UInt64 = 0
  var reduction = ReductionKind.reproducible
  var fault: GradientFault?
  var resume = TrainingOptions.Resumption.none
  /// Told of every sentence that users are told.
  var notices: Notices?

  /// What users were told.
  final class Notices: TrainingObserver, @unchecked Sendable {
    private(set) var sentences: [String] = []

    func runWillStart(_ start: RunStart) {}
    func didStep(_ progress: StepProgress) {}
    func didFinishEpoch(_ record: EpochRecord, of epochs: Int) {}
    func notice(_ sentence: String) { sentences.append(sentence) }
  }

  static func openDataset(_ name: String? = nil) -> Dataset {
    Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
  }

  /// Trains it into a folder.
  func train(in folder: String) throws {
    _ = try InProcessWorld(size: size, ranksPerNode: ranksPerNode, stallTimeout: 60).run { world in
      var options = TrainingOptions(folder: RunFolder(path: folder)) { Self.openDataset() }
      options.checkpointEvery = checkpointEvery
      options.checkpointsKept = 100
      options.reduction = reduction
      options.resume = resume
      if fault?.rank == world.rank { options.fault = fault }
      let observer = world.rank == 0 ? notices : nil
      let trainer = try Trainer(communicator: world, options: options, observer: observer) { _ in
        var recipe = try #require(Recipe.named(recipe))
        (recipe.validation, recipe.globalBatch, recipe.microBatch) = (80, 40, 4)
        (recipe.steps, recipe.seed) = (steps, seed)
        if let learningRate { recipe.optimizer.learningRate = learningRate }
        return recipe
      }
      _ = try trainer.run()
    }
  }

  /// Makes a run's folder one of a run that has not come to its end.
  static func unfinish(_ folder: String) throws {
    for name in ["result.json", "final.safetensors", "receipt.safetensors"] {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }
}

/// The parameters of a run, by the model at its end.
struct ReceiptRunTensors {
  let count: Int
  let lastTensor: String

  init(_ folder: String) throws {
    let tensors = try CheckpointFile(reading: folder + "/final.safetensors").contents.tensors.filter {
      $0.name.hasPrefix("parameters.")
    }
    count = tensors.reduce(0) { $0 + $1.count }
    lastTensor = String(try #require(tensors.last).name.dropFirst("parameters.".count))
  }
}
