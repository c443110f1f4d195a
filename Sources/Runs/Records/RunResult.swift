/// The figures at the end of a run, as `result.json` holds them.
public struct RunResult: Codable, Hashable, Sendable {
  /// Percent of the test set classified right by the final model.
  public var testAccuracy: Double
  /// Test images classified wrong.
  public var testErrors: Int
  /// `testConfusion[truth][prediction]`, counts.
  public var testConfusion: [[Int]]
  /// Percent of the validation split classified right by the final model; nil without such a split.
  public var validationAccuracy: Double?
  /// SHA-256 of the flat parameters.
  public var parametersDigest: String
  /// SHA-256 of `final.safetensors`.
  public var checkpointDigest: String
  /// Training images per second over all ranks: of steps and of dealing samples between epochs, without evaluation,
  /// checkpoints and start.
  public var imagesPerSecond: Double
  /// Seconds spent in the training steps of this process.
  public var trainingSeconds: Double
  /// Seconds since the start of this process.
  public var wallSeconds: Double
  /// Seconds from the start of this process to its first training step.
  public var startSeconds: Double
  public var ranks: Int
  /// Where each rank's time went, by rank.
  public var rankTimes: [RankTimes]
  /// Epochs completed.
  public var epochs: Int
  /// Optimizer steps.
  public var steps: Int
  /// The choice of products, `auto`, `openblas` or `own`, and who computed them on the root; nil in older results.
  public var products: String?
  public var kernel: String?
  /// The dataset's name, and SHA-256 of its content.
  public var dataset: String
  public var datasetDigest: String

  package init(
    testAccuracy: Double, testErrors: Int, testConfusion: [[Int]], validationAccuracy: Double? = nil,
    parametersDigest: String, checkpointDigest: String, imagesPerSecond: Double, trainingSeconds: Double,
    wallSeconds: Double, startSeconds: Double, ranks: Int, rankTimes: [RankTimes], epochs: Int, steps: Int,
    products: String? = nil, kernel: String? = nil, dataset: String, datasetDigest: String
  ) {
    self.testAccuracy = testAccuracy
    self.testErrors = testErrors
    self.testConfusion = testConfusion
    self.validationAccuracy = validationAccuracy
    self.parametersDigest = parametersDigest
    self.checkpointDigest = checkpointDigest
    self.imagesPerSecond = imagesPerSecond
    self.trainingSeconds = trainingSeconds
    self.wallSeconds = wallSeconds
    self.startSeconds = startSeconds
    self.ranks = ranks
    self.rankTimes = rankTimes
    self.epochs = epochs
    self.steps = steps
    self.products = products
    self.kernel = kernel
    self.dataset = dataset
    self.datasetDigest = datasetDigest
  }
}

/// Where one rank's time went.
public struct RankTimes: Codable, Hashable, Sendable {
  /// Seconds of wall time, summed over the training steps and what lies between them.
  public var phases: PhaseTimes
  /// Seconds of processor time of the whole process: unlike wall time, it does not grow when others use the machine.
  public var processorSeconds: Double

  package init(phases: PhaseTimes, processorSeconds: Double) {
    self.phases = phases
    self.processorSeconds = processorSeconds
  }
}
