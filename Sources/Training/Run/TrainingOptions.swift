public import Collectives
public import Datasets
internal import Files
public import Runs

/// How a run is carried out: nothing here changes the model.
public struct TrainingOptions {
  /// The run's folder.
  public var folder: RunFolder
  /// What to open the dataset with; called on every rank.
  public var openDataset: () throws -> Dataset
  public var reduction = ReductionKind.reproducible
  /// The reproducible reduction's algorithm; nil for the quicker one, found by trying.
  public var algorithm: ReductionAlgorithm?
  /// A checkpoint every so many steps, besides those at the ends of epochs; nil for none.
  public var checkpointEvery: Int?
  /// The newest checkpoints that are kept, besides the best by validation.
  public var checkpointsKept = 3
  /// Parameters are compared across ranks every so many steps, and at the end.
  public var verifyEvery = 200
  /// Where to write what all ranks did when, in Chrome's trace format; nil for nowhere.
  public var trace: String?
  /// Whether ranks, or a checkpoint and the run that goes on from it, may have products of different bits.
  public var allowsMixedProducts = false
  /// Whether each layer's time is measured.
  public var isProfiling = false
  /// Where to go on from.
  public var resume = Resumption.none
  /// The command and the program's version, to be written down.
  public var command: [String] = []
  public var version = ""
  /// When this process started, on `MonotonicClock`.
  public var processStart = MonotonicClock.now()

  /// Where a run goes on from.
  public enum Resumption: Sendable {
    case none
    /// The newest valid checkpoint in the run's folder; the beginning, if there is none yet.
    case newest
    /// One file.
    case file(String)
  }

  public init(folder: RunFolder, openDataset: @escaping () throws -> Dataset) {
    self.folder = folder
    self.openDataset = openDataset
  }
}
