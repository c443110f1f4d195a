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
  /// Epochs completed.
  public var epochs: Int
  /// Optimizer steps.
  public var steps: Int
  /// The dataset's name, and SHA-256 of its content.
  public var dataset: String
  public var datasetDigest: String
}
