/// One line of `metrics.jsonl`: a step.
public struct StepRecord: Codable, Hashable, Sendable {
  public var event = "step"
  /// Steps taken, this one included.
  public var step: Int
  /// The epoch this step belongs to, counted from 1.
  public var epoch: Int
  /// Mean cross-entropy over the global batch, in nats.
  public var loss: Double
  /// Percent of the global batch classified right before the update.
  public var accuracy: Double
  public var learningRate: Double
  /// The root's time.
  public var seconds: PhaseTimes

  package init(
    step: Int, epoch: Int, loss: Double, accuracy: Double, learningRate: Double, seconds: PhaseTimes
  ) {
    self.step = step
    self.epoch = epoch
    self.loss = loss
    self.accuracy = accuracy
    self.learningRate = learningRate
    self.seconds = seconds
  }
}

/// One line of `metrics.jsonl`: an epoch.
public struct EpochRecord: Codable, Hashable, Sendable {
  public var event = "epoch"
  /// Steps taken.
  public var step: Int
  /// The completed epoch, counted from 1.
  public var epoch: Int
  /// Means over the epoch's training samples seen by this process.
  public var loss: Double
  public var accuracy: Double
  /// On the validation split; nil without one.
  public var validationLoss: Double?
  public var validationAccuracy: Double?
  /// Training images per second over all ranks.
  public var imagesPerSecond: Double
  /// The root's time, summed over the epoch.
  public var seconds: PhaseTimes

  package init(
    step: Int, epoch: Int, loss: Double, accuracy: Double, validationLoss: Double? = nil,
    validationAccuracy: Double? = nil, imagesPerSecond: Double, seconds: PhaseTimes
  ) {
    self.step = step
    self.epoch = epoch
    self.loss = loss
    self.accuracy = accuracy
    self.validationLoss = validationLoss
    self.validationAccuracy = validationAccuracy
    self.imagesPerSecond = imagesPerSecond
    self.seconds = seconds
  }
}

/// One line of `metrics.jsonl`: a checkpoint, a start, a resumption, an end.
public struct EventRecord: Codable, Hashable, Sendable {
  public var event: String
  public var step: Int
  /// Seconds since 1970.
  public var time: Double
  public var ranks: Int
  /// With starts and resumptions.
  public var launch: LaunchFacts?

  package init(event: String, step: Int, time: Double, ranks: Int, launch: LaunchFacts? = nil) {
    self.event = event
    self.step = step
    self.time = time
    self.ranks = ranks
    self.launch = launch
  }
}

/// How a run was started, for those who want to repeat it or to know how far it is.
public struct LaunchFacts: Codable, Hashable, Sendable {
  /// The words of the command, the program's path first.
  public var command: [String]
  public var version: String
  /// Who computes matrix products on the root, e.g. `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  public var kernel: String
  /// The choice of products, `auto`, `openblas` or `own`; nil in runs that knew no choice.
  public var products: String?
  /// Each rank's host and cores.
  public var bindings: [String]
  public var totalSteps: Int
  public var stepsPerEpoch: Int
  public var parameterCount: Int
  public var trainCount: Int
  /// The dataset's name, and SHA-256 of its content.
  public var dataset: String
  public var datasetDigest: String

  package init(
    command: [String], version: String, kernel: String, products: String? = nil, bindings: [String],
    totalSteps: Int, stepsPerEpoch: Int, parameterCount: Int, trainCount: Int, dataset: String,
    datasetDigest: String
  ) {
    self.command = command
    self.version = version
    self.kernel = kernel
    self.products = products
    self.bindings = bindings
    self.totalSteps = totalSteps
    self.stepsPerEpoch = stepsPerEpoch
    self.parameterCount = parameterCount
    self.trainCount = trainCount
    self.dataset = dataset
    self.datasetDigest = datasetDigest
  }
}
