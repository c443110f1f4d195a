public import Collectives
internal import Datasets
internal import Digests
internal import Files
internal import Formatting
internal import Foundation
internal import Model
public import Runs
internal import Tensors

/// How a run ended.
public enum RunEnd: Sendable {
  /// The model is trained, scored and written.
  case finished(RunResult)
  /// A signal asked for a stop after this many steps; a checkpoint holds everything.
  case stopped(step: Int)
}

/// Trains a model, data-parallel over the ranks of a communicator.
///
/// The loop in four lines: deal samples to ranks at the start of an epoch; take steps; every so often save or
/// compare digests; at the end of an epoch evaluate on the validation split. The test set is scored once, at
/// the end.
public final class Trainer {
  private let communicator: any Communicator
  private let options: TrainingOptions
  private let recipe: Recipe
  private let facts: DatasetFacts
  private let plan: StepPlan
  private let totalSteps: Int
  private let state: TrainingState
  private let network: Network
  private let step: TrainingStep
  private let validation: Evaluator?
  private let test: Evaluator
  private let keeper: CheckpointKeeper?
  private let metrics: MetricsWriter?
  private weak var observer: (any TrainingObserver)?
  private let timeline: Timeline?
  /// Each rank's host and cores.
  private let bindings: [String]

  private var shard: Shard
  private var placement: Placement
  /// The epoch whose order `placement` follows, nil before the first deal.
  private var dealtEpoch: Int?
  private var trainingSeconds = 0.0
  private var trainedImages = 0
  private var phaseSums = PhaseTimes()
  private var startSeconds = 0.0
  private var lastRequestedSave = -Double.infinity
  /// Time between steps, of dealing samples and of checkpoints; it goes into the next step's record.
  private var betweenSteps = PhaseTimes()

  /// Where this rank's training steps spent their time so far; layers only if the options ask for them.
  public var profile: Profile {
    Profile(
      images: trainedImages, ranks: communicator.worldSize, phases: phaseSums,
      layers: options.isProfiling
        ? network.profile.map { ($0.name, $0.forward, $0.backward, $0.products) } : [])
  }

  /// The epochs of the run, the last of which may be cut short.
  private var epochCount: Int { (totalSteps + plan.stepsPerEpoch - 1) / plan.stepsPerEpoch }

  private var isRoot: Bool { communicator.rank == 0 }

  /// Loads the data, restores or initialises the state and prepares the run's folder. Called by all ranks.
  ///
  /// `resolve` makes the run's recipe, given that of the checkpoint to go on from, if any; `observer` is told of
  /// the run's progress on the root.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  public init(
    communicator: any Communicator, options: TrainingOptions, observer: (any TrainingObserver)?,
    resolve: (Recipe?) throws -> Recipe
  ) throws {
    self.communicator = communicator
    self.options = options
    self.observer = observer
    let isRoot = communicator.rank == 0
    let checkpoint = try loadCheckpoint(options, communicator: communicator) {
      if isRoot { observer?.notice($0) }
    }
    let recipe = try together(communicator) {
      let recipe = try resolve(checkpoint?.recipe())
      try recipe.validate()
      return recipe
    }
    self.recipe = recipe
    try requireSameRecipe(recipe, communicator: communicator)
    try requireSameProducts(options, communicator: communicator)

    let data = try loadData(options.openDataset, communicator: communicator)
    facts = data.facts
    let trainCount = data.facts.trainCount - recipe.validation
    let plan = StepPlan(
      sampleCount: trainCount, globalBatch: recipe.globalBatch, microBatch: recipe.microBatch,
      dropsLastBatch: recipe.dropsLastBatch, worldSize: communicator.worldSize)
    self.plan = plan
    let facts = data.facts
    let network = try together(communicator) {
      try recipe.validate(trainCount: facts.trainCount)
      try Self.requireWorkForAll(plan)
      guard options.reduction == .reproducible || recipe.gradients ?? .float32 == .float32 else {
        throw RunError("--gradients bfloat16 needs --reduction reproducible, found native", exitCode: 64)
      }
      return try Network(recipe.network, capacity: recipe.microBatch)
    }
    self.network = network
    totalSteps = recipe.steps ?? recipe.epochs * plan.stepsPerEpoch

    timeline = options.trace == nil ? nil : Timeline()
    state = TrainingState(recipe: recipe, layout: network.layout)
    if let checkpoint {
      let state = state
      try together(communicator) {
        try checkpoint.requireContinuation(recipe: recipe, facts: facts)
        if !options.allowsMixedProducts { try checkpoint.requireProducts(Products.shared.identity) }
        try state.restore(from: checkpoint)
        state.cursor = Cursor(step: try checkpoint.step(), stepsPerEpoch: plan.stepsPerEpoch)
      }
    }
    step = TrainingStep(
      recipe: recipe, plan: plan, totalSteps: totalSteps, network: network, communicator: communicator,
      reduction: options.reduction, algorithm: options.algorithm, isProfiling: options.isProfiling,
      timeline: timeline)

    shard = data.train
    placement = data.trainPlacement
    test = try Evaluator.dealt(
      data.test, from: data.testPlacement, samples: 0..<facts.testCount, network: network,
      over: communicator)
    validation =
      recipe.validation == 0
      ? nil
      : try Evaluator.dealt(
        data.train, from: data.trainPlacement, samples: trainCount..<facts.trainCount, network: network,
        over: communicator)

    try together(communicator) {
      // Now rather than after hours.
      if isRoot, let trace = options.trace, !FileManager.default.createFile(atPath: trace, contents: nil) {
        throw RunError("--trace \(trace) cannot be written", exitCode: 73)
      }
    }
    let (state, folder) = (state, options.folder)
    let isResumed = checkpoint != nil
    bindings = try communicator.allGather(Array(hostAndCores().utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    let launch = LaunchFacts(
      command: options.command, version: options.version, kernel: Products.shared.description,
      products: Products.shared.choice.rawValue, bindings: bindings,
      totalSteps: totalSteps, stepsPerEpoch: plan.stepsPerEpoch, parameterCount: network.layout.count,
      trainCount: trainCount, dataset: facts.name, datasetDigest: facts.digest.description)
    (keeper, metrics) = try together(communicator) { () throws -> (CheckpointKeeper?, MetricsWriter?) in
      guard isRoot else { return (nil, nil) }
      try folder.prepare(recipe)
      let metrics = try MetricsWriter(path: folder.metrics, continuingAfter: state.cursor.step)
      try metrics.append(
        EventRecord(
          event: isResumed ? "resume" : "start", step: state.cursor.step, time: wallClock(),
          ranks: communicator.worldSize, launch: launch))
      try metrics.flush()
      return (
        try CheckpointKeeper(folder: folder, kept: options.checkpointsKept, tensors: state.tensors), metrics
      )
    }
  }

  /// Trains to the end, or until a signal asks for a stop. Called by all ranks.
  ///
  /// - Throws: `RunError`; where it is not shared by all ranks, the caller must abort the others.
  public func run() throws -> RunEnd {
    announce()
    var epochSums = EpochSums()
    var lastValidation: Evaluation?
    while state.cursor.step < totalSteps {
      try dealIfNeeded()
      StallWatchdog.enter("the reduction", step: state.cursor.step + 1)
      let outcome = try step.run(state, shard: shard, rank: communicator.rank)
      if trainedImages == 0 { startSeconds = MonotonicClock.now() - options.processStart }
      state.cursor = Cursor(step: state.cursor.step + 1, stepsPerEpoch: plan.stepsPerEpoch)
      try account(outcome, &epochSums)
      let isEpochEnd = state.cursor.stepInEpoch == 0
      let isEnd = state.cursor.step == totalSteps
      if isEnd || state.cursor.step % options.verifyEvery == 0 { try verifyParameters() }
      if isEpochEnd || isEnd {
        StallWatchdog.enter("validation", step: state.cursor.step)
        var watch = Stopwatch(timeline)
        lastValidation = try validation?.evaluate(state.evaluated)
        _ = watch.lap(.validation)
        try finishEpoch(epochSums, validation: lastValidation)
        epochSums = EpochSums()
      }
      let isPeriodic = options.checkpointEvery.map { state.cursor.step % $0 == 0 } ?? false
      if isEpochEnd || isEnd || isPeriodic || outcome.isStopRequested || outcome.isSaveRequested {
        let isDue = isEpochEnd || isEnd || isPeriodic || outcome.isStopRequested
        try save(
          validation: isEpochEnd || isEnd ? lastValidation : nil, isDue: isDue,
          isRequested: outcome.isSaveRequested && !isEnd && !outcome.isStopRequested)
      }
      if outcome.isStopRequested, !isEnd { return try stop() }
    }
    return .finished(try finish(lastValidation))
  }

  // MARK: - The parts of the loop

  /// At the start of an epoch, deals the samples to the ranks that will train on them.
  private func dealIfNeeded() throws {
    let epoch = state.cursor.epoch
    guard dealtEpoch != epoch else { return }
    var watch = Stopwatch(timeline)
    StallWatchdog.enter("the deal of samples", step: state.cursor.step + 1)
    let order = CounterGenerator(seed: recipe.seed, for: .epochOrder, UInt64(epoch))
      .permutation(of: plan.sampleCount)
    let next = plan.placement(order: order, totalSamples: facts.trainCount)
    try shard.deal(from: placement, to: next, over: communicator)
    placement = next
    dealtEpoch = epoch
    betweenSteps.data += watch.lap(.data)
  }

  private func account(_ outcome: StepOutcome, _ sums: inout EpochSums) throws {
    guard outcome.loss.isFinite else {
      throw RunError.shared(
        "the loss is \(outcome.loss) after step \(state.cursor.step): training diverged; a lower "
          + "--learning-rate or --clip-gradients helps", exitCode: 78)
    }
    trainingSeconds += outcome.times.total + betweenSteps.data
    trainedImages += outcome.samples
    sums.add(outcome, betweenSteps)
    var times = outcome.times
    times += betweenSteps
    betweenSteps = PhaseTimes()
    phaseSums += times
    guard isRoot else { return }
    var watch = Stopwatch(timeline)
    defer { betweenSteps.checkpoint += watch.lap(.checkpoint) }
    let record = StepRecord(
      step: state.cursor.step, epoch: (state.cursor.step - 1) / plan.stepsPerEpoch + 1, loss: outcome.loss,
      accuracy: 100 * Double(outcome.correct) / Double(outcome.samples),
      learningRate: Double(recipe.effectiveOptimizer.learningRate * outcome.rate), seconds: times)
    try reporting { try metrics?.append(record) }
    observer?.didStep(
      StepProgress(
        record: record, epochs: epochCount,
        stepInEpoch: (state.cursor.step - 1) % plan.stepsPerEpoch + 1, stepsPerEpoch: plan.stepsPerEpoch,
        totalSteps: totalSteps, imagesPerSecond: sums.imagesPerSecond))
  }

  private func finishEpoch(_ sums: EpochSums, validation: Evaluation?) throws {
    guard isRoot else { return }
    let record = EpochRecord(
      step: state.cursor.step, epoch: (state.cursor.step - 1) / plan.stepsPerEpoch + 1,
      loss: sums.loss / Double(max(sums.samples, 1)),
      accuracy: 100 * Double(sums.correct) / Double(max(sums.samples, 1)),
      validationLoss: validation?.loss, validationAccuracy: validation?.accuracy,
      imagesPerSecond: sums.imagesPerSecond, seconds: sums.times)
    try reporting {
      try metrics?.append(record)
      try metrics?.flush()
    }
    observer?.didFinishEpoch(record, of: epochCount)
    observer?.didEvaluate(
      network.layout.tensors.map { tensor in
        (
          tensor.name,
          UnsafeBufferPointer(start: state.evaluated.pointer + tensor.offset, count: tensor.count)
        )
      }, step: state.cursor.step)
  }

  /// Saves a checkpoint on the root. `isRequested` by a signal: it reaches the ranks some steps apart, so
  /// requests within a second are one.
  private func save(validation: Evaluation?, isDue: Bool, isRequested: Bool) throws {
    guard let keeper else { return }
    var watch = Stopwatch(timeline)
    defer { betweenSteps.checkpoint += watch.lap(.checkpoint) }
    let isFirstRequest = isRequested && MonotonicClock.now() - lastRequestedSave > 1
    guard isDue || isFirstRequest else { return }
    if isFirstRequest { lastRequestedSave = MonotonicClock.now() }
    try keeper.save(
      step: state.cursor.step,
      metadata: state.metadata(recipe: recipe, facts: facts, validation: validation), pieces: state.pieces)
    try event("checkpoint")
    // Whoever goes on from this checkpoint finds all steps before it in the metrics.
    try reporting { try metrics?.flush() }
    if isFirstRequest { observer?.notice("saved step \(state.cursor.step), going on") }
  }

  private func stop() throws -> RunEnd {
    StallWatchdog.enter("the stop", step: state.cursor.step)
    try keeper?.finish()
    try event("stop")
    try metrics?.flush()
    try writeTrace()
    try communicator.barrier()
    return .stopped(step: state.cursor.step)
  }

  private func finish(_ lastValidation: Evaluation?) throws -> RunResult {
    StallWatchdog.enter("the final evaluation", step: state.cursor.step)
    var score = lastValidation
    if score == nil { score = try validation?.evaluate(state.evaluated) }
    var watch = Stopwatch(timeline)
    let tested = try test.evaluate(state.evaluated)
    _ = watch.lap(.test)
    var checkpointDigest = ""
    if let keeper {
      checkpointDigest = try keeper.writeFinal(
        metadata: state.metadata(recipe: recipe, facts: facts, validation: score), pieces: state.pieces
      ).description
      try event("end")
      try metrics?.flush()
    }
    let ownTimes = RankTimes(phases: phaseSums, processorSeconds: processorSeconds())
    let rankTimes = try communicator.allGather(Array(JSONEncoder().encode(ownTimes))).map {
      try JSONDecoder().decode(RankTimes.self, from: Data($0))
    }
    let result = RunResult(
      testAccuracy: tested.accuracy, testErrors: tested.errors, testConfusion: tested.confusion,
      validationAccuracy: score?.accuracy, parametersDigest: parametersDigest().description,
      checkpointDigest: checkpointDigest,
      imagesPerSecond: trainingSeconds > 0 ? Double(trainedImages) / trainingSeconds : 0,
      trainingSeconds: trainingSeconds, wallSeconds: MonotonicClock.now() - options.processStart,
      startSeconds: startSeconds, ranks: communicator.worldSize, rankTimes: rankTimes,
      epochs: state.cursor.epoch, steps: state.cursor.step, products: Products.shared.choice.rawValue,
      kernel: Products.shared.description, dataset: facts.name, datasetDigest: facts.digest.description)
    if isRoot { try options.folder.write(result) }
    try writeTrace()
    StallWatchdog.enter("the end", step: state.cursor.step)
    try communicator.barrier()
    return result
  }

  private func writeTrace() throws {
    guard let path = options.trace, let timeline else { return }
    StallWatchdog.enter("the trace", step: state.cursor.step)
    try timeline.write(to: path, place: bindings[communicator.rank], over: communicator)
    if isRoot, timeline.isFull {
      observer?.notice(
        "\(path) holds the first \(Numbers.grouped(Timeline.capacity)) spans of each rank, no more")
    }
  }

  // MARK: - Trust

  private func parametersDigest() -> SHA256Digest {
    SHA256Digest(of: state.parameters.bytes)
  }

  /// Compares the parameters' digests of all ranks; a rank that drifted is named and the run ends.
  private func verifyParameters() throws {
    var watch = Stopwatch(timeline)
    StallWatchdog.enter("the comparison of parameters", step: state.cursor.step)
    let digests = try communicator.allGather(parametersDigest().bytes)
    betweenSteps.checkpoint += watch.lap(.checkpoint)
    let groups = Dictionary(grouping: digests.indices) { digests[$0] }
    guard groups.count > 1 else { return }
    let majority = groups.values.max { ($0.count, -$0[0]) < ($1.count, -$1[0]) } ?? []
    let odd = digests.indices.filter { !majority.contains($0) }
    throw RunError.shared(
      "after step \(state.cursor.step) the parameters of rank \(list(odd)) differ from those of rank "
        + "\(list(majority)): the ranks no longer train the same model; last good checkpoint in "
        + options.folder.checkpoints, exitCode: 70)
  }

  /// More ranks than micro-batches would leave some without work in every step.
  private static func requireWorkForAll(_ plan: StepPlan) throws(RunError) {
    guard plan.worldSize > plan.maximumLeafCount else { return }
    throw RunError(
      "\(plan.worldSize) ranks, but a global batch of \(plan.globalBatch) in micro-batches of "
        + "\(plan.microBatch) has work for \(plan.maximumLeafCount): use at most \(plan.maximumLeafCount) "
        + "ranks, a larger --global-batch or a smaller --micro-batch", exitCode: 64)
  }

  // MARK: - Reporting

  private func announce() {
    guard isRoot else { return }
    observer?.runWillStart(
      RunStart(
        recipe: recipe, dataset: facts, ranks: communicator.worldSize, trainCount: plan.sampleCount,
        parameterCount: network.layout.count, folder: options.folder.path,
        stepsPerEpoch: plan.stepsPerEpoch, totalSteps: totalSteps, firstStep: state.cursor.step,
        bindings: bindings))
  }

  private func event(_ name: String) throws {
    try reporting {
      try metrics?.append(
        EventRecord(
          event: name, step: state.cursor.step, time: wallClock(), ranks: communicator.worldSize))
    }
  }

  private func reporting(_ body: () throws -> Void) throws(RunError) {
    do {
      try body()
    } catch {
      throw RunError("\(options.folder.metrics) cannot be written: \(error)", exitCode: 74)
    }
  }
}

/// What an epoch's steps add up to.
private struct EpochSums {
  var loss = 0.0
  var correct = 0
  var samples = 0
  var times = PhaseTimes()
  private var seconds = 0.0

  mutating func add(_ outcome: StepOutcome, _ betweenSteps: PhaseTimes) {
    loss += outcome.loss * Double(outcome.samples)
    correct += outcome.correct
    samples += outcome.samples
    times += outcome.times
    times += betweenSteps
    seconds += outcome.times.total + betweenSteps.data
  }

  var imagesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
}

/// Every rank must have been started with the same recipe.
private func requireSameRecipe(_ recipe: Recipe, communicator: any Communicator) throws {
  let texts = try communicator.allGather(Array(recipe.json().utf8))
  guard let other = texts.firstIndex(where: { $0 != texts[0] }) else { return }
  throw RunError.shared(
    "rank \(other) was started with another recipe than rank 0: give all ranks the same flags", exitCode: 64)
}

/// Ranks whose products have other bits would train a model that depends on who computed what.
private func requireSameProducts(_ options: TrainingOptions, communicator: any Communicator) throws {
  let names = try communicator.allGather(Array(Products.shared.identity.utf8)).map {
    String(decoding: $0, as: UTF8.self)
  }
  let groups = Dictionary(grouping: names.indices) { names[$0] }
  guard groups.count > 1, !options.allowsMixedProducts else { return }
  let parts = groups.keys.sorted().map { "\($0) on rank \(list(groups[$0] ?? []))" }
  throw RunError.shared(
    "the ranks' products have different bits: \(parts.joined(separator: "; ")): leave --products openblas away, or "
      + "insist with --mixed-products", exitCode: 64)
}

/// `0`, `0 and 2`, `0, 1 and 5`.
private func list(_ ranks: [Int]) -> String {
  let words = ranks.map(String.init)
  guard words.count > 1, let last = words.last else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " and " + last
}
