package import Collectives
package import Datasets
internal import Files
package import Runs

/// How a run is carried out: nothing here changes the model.
package struct TrainingOptions {
  /// The run's folder.
  package var folder: RunFolder
  /// What of all this is written down, for the run to have when it goes on.
  package var kept = RunOptions()
  /// What to open the dataset with; called on every rank.
  package var openDataset: () throws -> Dataset
  package var reduction = ReductionKind.reproducible
  /// A shared library whose function adds up the ranks' gradients, where `reduction` is `native`; nil for MPI's own.
  package var reductionPlugin: String?
  /// The reproducible reduction's algorithm; nil for the quicker one, found by trying.
  package var algorithm: ReductionAlgorithm?
  /// How the leaves of a step are divided among ranks.
  package var deal = DealPolicy.speed
  /// Whether ranks of a node share memory where they can.
  package var sharesMemory = true
  /// A checkpoint every so many steps, besides those at the ends of epochs; nil for none.
  package var checkpointEvery: Int?
  /// The newest checkpoints that are kept, besides the best by validation.
  package var checkpointsKept = Self.defaultCheckpointsKept
  /// Parameters are compared across ranks every so many steps, and at the end.
  package var verifyEvery = Self.defaultVerifyEvery
  /// Where to write what all ranks did when, in Chrome's trace format; nil for nowhere.
  package var trace: String?
  /// Whether ranks, or a checkpoint and the run that goes on from it, may have products of different bits.
  package var allowsMixedProducts = false
  /// Whether each layer's time is measured.
  package var isProfiling = false
  /// What this rank is to do wrong, for drills.
  package var fault: GradientFault?
  /// Where to go on from.
  package var resume = Resumption.none
  /// The model whose weights to begin with; nil for weights drawn from the seed.
  package var initialModel: String?
  /// The command and the program's version, to be written down.
  package var command: [String] = []
  package var version = ""
  /// When this process started, on `MonotonicClock`.
  package var processStart = MonotonicClock.now()

  /// Where a run goes on from.
  package enum Resumption: Sendable {
    case none
    /// The newest valid checkpoint in the run's folder; the beginning, if there is none yet.
    case newest
    /// One file.
    case file(String)
  }

  /// The newest checkpoints that are kept where nobody says how many.
  package static let defaultCheckpointsKept = 3
  /// Steps between comparisons of the parameters where nobody says how many.
  package static let defaultVerifyEvery = 200

  package init(folder: RunFolder, openDataset: @escaping () throws -> Dataset) {
    self.folder = folder
    self.openDataset = openDataset
  }
}

extension TrainingOptions {
  /// Does as `kept` says, and has it written down.
  ///
  /// - Throws: `RunError` with exit code 65 if it names a reduction that there is not.
  package mutating func keep(_ kept: RunOptions) throws(RunError) {
    self.kept = kept
    if let every = kept.checkpointEvery { checkpointEvery = every == 0 ? nil : every }
    checkpointsKept = kept.keep ?? checkpointsKept
    verifyEvery = kept.verifyEvery ?? verifyEvery
    if let name = kept.reduction {
      guard let kind = ReductionKind(rawValue: name) else {
        throw RunError(
          "\(folder.options): 'reduction' must be reproducible or native, found '\(name)'", exitCode: 65)
      }
      reduction = kind
    }
    if let plugin = kept.reductionPlugin { (reduction, reductionPlugin) = (.native, plugin) }
  }
}
