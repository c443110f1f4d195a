/// One line of `metrics.jsonl`: a step.
package struct StepRecord: Codable, Hashable, Sendable {
  package var event = "step"
  /// Steps taken, this one included.
  package var step: Int
  /// The epoch this step belongs to, counted from 1.
  package var epoch: Int
  /// Mean cross-entropy over the global batch, in nats.
  package var loss: Double
  /// Percent of the global batch classified right before the update.
  package var accuracy: Double
  package var learningRate: Double
  /// The root's time.
  package var seconds: PhaseTimes
  /// What the step came to; nil in older records.
  package var digest: StepDigest?

  package init(
    step: Int, epoch: Int, loss: Double, accuracy: Double, learningRate: Double, seconds: PhaseTimes,
    digest: StepDigest? = nil
  ) {
    self.step = step
    self.epoch = epoch
    self.loss = loss
    self.accuracy = accuracy
    self.learningRate = learningRate
    self.seconds = seconds
    self.digest = digest
  }
}

/// One line of `metrics.jsonl`: an epoch.
package struct EpochRecord: Codable, Hashable, Sendable {
  package var event = "epoch"
  /// Steps taken.
  package var step: Int
  /// The completed epoch, counted from 1.
  package var epoch: Int
  /// Means over the epoch's training samples seen by this process.
  package var loss: Double
  package var accuracy: Double
  /// On the validation split; nil without one.
  package var validationLoss: Double?
  package var validationAccuracy: Double?
  /// Training images per second over all ranks.
  package var imagesPerSecond: Double
  /// The root's time, summed over the epoch.
  package var seconds: PhaseTimes
  /// The share of each rank in the epoch's micro-batches, 0...1; nil in records of one rank, and in older ones.
  package var shares: [Double]?
  /// The share of the micro-batches that a rank took from another one which they were dealt to.
  package var taken: Double?

  package init(
    step: Int, epoch: Int, loss: Double, accuracy: Double, validationLoss: Double? = nil,
    validationAccuracy: Double? = nil, imagesPerSecond: Double, seconds: PhaseTimes, shares: [Double]? = nil,
    taken: Double? = nil
  ) {
    self.step = step
    self.epoch = epoch
    self.loss = loss
    self.accuracy = accuracy
    self.validationLoss = validationLoss
    self.validationAccuracy = validationAccuracy
    self.imagesPerSecond = imagesPerSecond
    self.seconds = seconds
    self.shares = shares
    self.taken = taken
  }
}

/// One line of `metrics.jsonl`: a checkpoint, a start, a resumption, an end.
package struct EventRecord: Codable, Hashable, Sendable {
  package var event: String
  package var step: Int
  /// Seconds since 1970.
  package var time: Double
  package var ranks: Int
  /// With starts and resumptions.
  package var launch: LaunchFacts?
  /// With starts and resumptions: under what conditions the steps behind it are taken; nil in older records.
  package var receipt: Receipt.Opening?
  /// With all others: the receipt's last link, of so many steps; nil in older records.
  package var link: String?

  package init(
    event: String, step: Int, time: Double, ranks: Int, launch: LaunchFacts? = nil,
    receipt: Receipt.Opening? = nil, link: String? = nil
  ) {
    self.event = event
    self.step = step
    self.time = time
    self.ranks = ranks
    self.launch = launch
    self.receipt = receipt
    self.link = link
  }
}

/// How a run was started, for those who want to repeat it or to know how far it is.
package struct LaunchFacts: Codable, Hashable, Sendable {
  /// The words of the command, the program's path first.
  package var command: [String]
  package var version: String
  /// Who computes matrix products on the root, e.g. `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  package var kernel: String
  /// The choice of products, `auto`, `openblas` or `own`; nil in runs that knew no choice.
  package var products: String?
  /// Each rank's host and cores.
  package var bindings: [String]
  package var totalSteps: Int
  package var stepsPerEpoch: Int
  package var parameterCount: Int
  package var trainCount: Int
  /// The dataset's name, and SHA-256 of its content.
  package var dataset: String
  package var datasetDigest: String
  /// What its samples are, e.g. `images of 28 × 28 pixels in 10 classes`; nil in older records.
  package var samples: String?

  package init(
    command: [String], version: String, kernel: String, products: String? = nil, bindings: [String],
    totalSteps: Int, stepsPerEpoch: Int, parameterCount: Int, trainCount: Int, dataset: String,
    datasetDigest: String, samples: String? = nil
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
    self.samples = samples
  }
}
