internal import Collectives
internal import Datasets
internal import Digests
internal import Foundation
internal import Model
internal import Runs
internal import Tensors

/// Writes down what a run does, and tells the observer; on the root alone.
final class RunRecorder {
  private let setup: RunSetup
  private let metrics: MetricsWriter
  private let observer: (any TrainingObserver)?
  /// What the steps on record came to.
  private(set) var receipt: Receipt
  /// As far as links have been asked for.
  private var chain: Receipt.Chain

  private var state: TrainingState { setup.state }
  private var stepsPerEpoch: Int { setup.plan.stepsPerEpoch }
  /// The epoch that the last step belongs to, counted from 1.
  private var epoch: Int { (state.cursor.step - 1) / stepsPerEpoch + 1 }

  /// Prepares the run's folder and writes down how the run was started.
  ///
  /// - Throws: `RunError` if the folder cannot be written.
  init(_ setup: RunSetup, observer: (any TrainingObserver)?) throws {
    self.setup = setup
    self.observer = observer
    try requireLock(setup.lock, of: setup.options.folder)
    try setup.options.folder.prepare(setup.recipe, options: setup.options.kept)
    metrics = try MetricsWriter(
      path: setup.options.folder.metrics, continuingAfter: setup.state.cursor.step, lock: setup.lock)
    let (receipt, opening) = Receipt.continued(
      in: setup.options.folder, from: setup.resumedFrom, step: setup.state.cursor.step,
      parameters: setup.state.parameters,
      conditions: Receipt.Conditions(
        recipe: setup.recipe, dataset: setup.dataset, reduction: setup.options.reduction),
      notice: { observer?.notice($0) })
    self.receipt = receipt
    chain = Receipt.Chain(receipt)
    let launch = LaunchFacts(
      command: setup.options.command, version: setup.options.version, kernel: Products.shared.description,
      products: Products.shared.choice.rawValue, bindings: setup.bindings, totalSteps: setup.totalSteps,
      stepsPerEpoch: setup.plan.stepsPerEpoch, parameterCount: setup.network.layout.count,
      trainCount: setup.trainCount, dataset: setup.dataset.name,
      datasetDigest: setup.dataset.digest.description, samples: setup.dataset.format.description)
    try event(setup.isResumed ? "resume" : "start", launch: launch, receipt: opening)
    try flush()
  }

  /// Tells the observer what is about to start.
  func announce() {
    observer?.runWillStart(
      RunStart(
        recipe: setup.recipe, dataset: setup.dataset, ranks: setup.communicator.worldSize,
        trainCount: setup.trainCount, parameterCount: setup.network.layout.count,
        folder: setup.options.folder.path, stepsPerEpoch: stepsPerEpoch, totalSteps: setup.totalSteps,
        firstStep: state.cursor.step, bindings: setup.bindings))
  }

  /// A step is done, which took `times`, what lay before it included.
  func step(_ outcome: StepOutcome, times: PhaseTimes, sums: EpochSums) throws {
    let record = StepRecord(
      step: state.cursor.step, epoch: epoch, loss: outcome.loss,
      accuracy: 100 * Double(outcome.correct) / Double(outcome.samples),
      learningRate: Double(setup.recipe.effectiveOptimizer.learningRate * outcome.rate), seconds: times,
      digest: outcome.digest)
    if let digest = outcome.digest { receipt.append(digest) }
    try explained { try metrics.append(record) }
    observer?.didStep(
      StepProgress(
        record: record, epochs: setup.epochCount, stepInEpoch: (state.cursor.step - 1) % stepsPerEpoch + 1,
        stepsPerEpoch: stepsPerEpoch, totalSteps: setup.totalSteps, imagesPerSecond: sums.imagesPerSecond))
  }

  /// An epoch, or what the run has of it, is done and evaluated.
  /// `work` is what each rank computed in it.
  func epoch(_ sums: EpochSums, validation: Evaluation?, work: [LeafWork]) throws {
    let leaves = Double(max(work.reduce(0) { $0 + $1.leaves }, 1))
    let record = EpochRecord(
      step: state.cursor.step, epoch: epoch, loss: sums.loss / Double(max(sums.samples, 1)),
      accuracy: 100 * Double(sums.correct) / Double(max(sums.samples, 1)), validationLoss: validation?.loss,
      validationAccuracy: validation?.accuracy, imagesPerSecond: sums.imagesPerSecond, seconds: sums.times,
      shares: work.count > 1 ? work.map { Double($0.leaves) / leaves } : nil,
      taken: work.count > 1 ? Double(work.reduce(0) { $0 + $1.taken }) / leaves : nil)
    try explained {
      try metrics.append(record)
      try metrics.flush()
    }
    observer?.didFinishEpoch(record, of: setup.epochCount)
    observer?.didEvaluate(
      EvaluatedParameters(layout: setup.network.layout, values: state.current), step: state.cursor.step)
  }

  /// `start`, `resume`, `checkpoint`, `stop`, `diverged`, `end`.
  func event(_ name: String, launch: LaunchFacts? = nil, receipt: Receipt.Opening? = nil) throws {
    try explained {
      try metrics.append(
        EventRecord(
          event: name, step: state.cursor.step, time: wallClock(), ranks: setup.communicator.worldSize,
          launch: launch, receipt: receipt, link: receipt == nil ? link : nil))
    }
  }

  /// The receipt's link after the last step. Links are computed when they are asked for: all that a step pays for them is
  /// its digest.
  var link: String {
    chain.advance(to: receipt.lastStep, in: receipt)
    return chain.link.description
  }

  /// Writes the receipt beside the model.
  ///
  /// - Throws: `RunError` if it cannot be written.
  func writeReceipt() throws(RunError) {
    try receipt.write(to: setup.options.folder.receipt)
  }

  /// Hands what was recorded to the file system.
  func flush() throws {
    try explained { try metrics.flush() }
    observer?.didFlush()
  }

  /// Has what was recorded on the disk before something is written there that relies on it.
  ///
  /// - Throws: `RunError` with exit code 73 if another process has taken the folder over.
  func synchronize() throws {
    try requireLock(setup.lock, of: setup.options.folder)
    try explained { try metrics.synchronize() }
    observer?.didFlush()
  }

  func notice(_ sentence: String) {
    observer?.notice(sentence)
  }

  private func explained(_ body: () throws -> Void) throws(RunError) {
    do {
      try body()
    } catch {
      throw RunError(error)
    }
  }
}
