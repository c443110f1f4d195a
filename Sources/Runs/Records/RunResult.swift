/// The figures at the end of a run, as `result.json` holds them.
package struct RunResult: Codable, Hashable, Sendable {
  /// Percent of the test set classified right by the final model.
  package var testAccuracy: Double
  /// Test images classified wrong.
  package var testErrors: Int
  /// `testConfusion[truth][prediction]`, counts.
  @ConfusionCounts package var testConfusion: [[Int]]
  /// Percent of the validation split classified right by the final model; nil without such a split.
  package var validationAccuracy: Double?
  /// SHA-256 of the flat parameters.
  package var parametersDigest: String
  /// SHA-256 of `final.safetensors`.
  package var checkpointDigest: String
  /// Training images per second over all ranks: of steps and of dealing samples between epochs, without evaluation,
  /// checkpoints and start.
  package var imagesPerSecond: Double
  /// Seconds spent in the training steps of this process; if it took none, in all that the run has on record.
  package var trainingSeconds: Double
  /// Seconds since the start of this process.
  package var wallSeconds: Double
  /// Seconds from the start of this process to its first training step.
  package var startSeconds: Double
  package var ranks: Int
  /// Where each rank's time went, by rank.
  package var rankTimes: [RankTimes]
  /// Epochs completed.
  package var epochs: Int
  /// Optimizer steps.
  package var steps: Int
  /// The choice of products, `auto`, `openblas` or `own`, and who computed them on the root; nil in older results.
  package var products: String?
  package var kernel: String?
  /// The dataset's name, and SHA-256 of its content.
  package var dataset: String
  package var datasetDigest: String
  /// SHA-256 of the file with the model that the run began with; nil for weights drawn from the seed.
  package var initialModel: String?
  /// The last link of the run's receipt; nil in older results.
  package var receipt: String?

  package init(
    testAccuracy: Double, testErrors: Int, testConfusion: [[Int]], validationAccuracy: Double? = nil,
    parametersDigest: String, checkpointDigest: String, imagesPerSecond: Double, trainingSeconds: Double,
    wallSeconds: Double, startSeconds: Double, ranks: Int, rankTimes: [RankTimes], epochs: Int, steps: Int,
    products: String? = nil, kernel: String? = nil, dataset: String, datasetDigest: String,
    initialModel: String? = nil, receipt: String? = nil
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
    self.initialModel = initialModel
    self.receipt = receipt
  }
}

/// Where one rank's time went.
package struct RankTimes: Codable, Hashable, Sendable {
  /// Seconds of wall time, summed over the training steps and what lies between them.
  package var phases: PhaseTimes
  /// Seconds of processor time of the whole process: unlike wall time, it does not grow when others use the machine.
  package var processorSeconds: Double

  package init(phases: PhaseTimes, processorSeconds: Double) {
    self.phases = phases
    self.processorSeconds = processorSeconds
  }
}
