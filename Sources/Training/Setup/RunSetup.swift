internal import Collectives
internal import Datasets
internal import Digests
internal import Files
internal import Foundation
internal import Model
internal import Runs
internal import Tensors

/// Everything that is settled before the first step: the same on all ranks, but for each rank's share of the samples.
struct RunSetup {
  let communicator: any Communicator
  let options: TrainingOptions
  let recipe: Recipe
  let dataset: DatasetFacts
  let plan: StepPlan
  let totalSteps: Int
  let network: Network
  /// As initialised, or as restored from a checkpoint.
  let state: TrainingState
  let isResumed: Bool
  /// The checkpoint that it was restored from.
  let resumedFrom: ResumedFrom?
  /// The right to write into the run's folder; on the root alone.
  let lock: FolderLock?
  /// Whether the run had come to its end before, and is not to go on.
  let isFinished: Bool
  /// The figures at that end; on the root alone.
  let finished: RunResult?
  let step: TrainingStep
  /// The ranks that this one shares memory with.
  let group: NodeGroup
  /// The training samples as they were read: the first deal starts from them.
  let samples: NodeSamples
  /// nil where the recipe keeps no samples for validation.
  let validation: Evaluator?
  let test: Evaluator
  /// What all ranks do when; nil unless asked for.
  let timeline: Timeline?
  /// Each rank's host and cores.
  let bindings: [String]

  /// Training samples per epoch.
  var trainCount: Int { plan.sampleCount }
  /// The epochs of the run, the last of which may be cut short.
  var epochCount: Int { (totalSteps + plan.stepsPerEpoch - 1) / plan.stepsPerEpoch }
  var isRoot: Bool { communicator.rank == 0 }
  /// What the training loop needs of all this.
  var training: TrainingSetup {
    TrainingSetup(
      communicator: communicator, recipe: recipe, plan: plan, totalSteps: totalSteps, network: network,
      state: state, step: step, group: group, samples: samples, validation: validation,
      dealsBySpeed: options.deal == .speed && options.reduction == .reproducible,
      verifyEvery: options.verifyEvery, refuge: options.folder.checkpoints, timeline: timeline)
  }

  /// Settles everything, in this order, each line called by all ranks:
  ///
  /// 0. that all ranks were given the same options, and that the root, and nobody else, may write into the run's folder;
  /// 1. the checkpoint to go on from and the model to begin with, if any, which the root reads;
  /// 2. the recipe, and that all ranks have the same one and products of the same bits;
  /// 3. who has the dataset, how large it is, and what its images and classes are;
  /// 4. the network, which must fit these, and that there is work for all ranks;
  /// 5. the dataset: each reader reads its part;
  /// 6. memory that the ranks of a node share;
  /// 7. the state, restored from the checkpoint, which the root hands to all nodes;
  /// 8. the samples of validation and test, dealt for good;
  /// 9. where each rank runs.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  init(
    communicator: any Communicator, options: TrainingOptions, notice: @escaping (String) -> Void,
    resolve: (Recipe?) throws -> Recipe
  ) throws {
    try requireSameOptions(options, communicator: communicator)
    let plugin = try options.reductionPlugin.map { path in
      try together(communicator) { try ReductionPlugin(path: path) }
    }
    lock = try claimFolder(options, communicator: communicator, notice: notice)
    let checkpoint = try loadCheckpoint(options, communicator: communicator, notice: notice)
    let initial = try loadInitialModel(options, communicator: communicator)
    let asked = try together(communicator) {
      let own = try checkpoint?.recipe()
      var recipe = try resolve(own ?? initial?.model.recipe())
      let named = initial?.digest ?? own?.initialModel
      if named == nil, let missing = recipe.initialModel {
        throw RunError(
          "the recipe begins with the model whose SHA-256 is \(missing): name its file by --from",
          exitCode: 64)
      }
      recipe.initialModel = named
      try recipe.validate()
      try initial?.model.requireNetwork(of: recipe)
      // Another network than the checkpoint's is refused later, with a sentence on that.
      if own?.network == recipe.network { try checkpoint?.requireParameters(of: recipe.network) }
      return recipe
    }
    try requireSameRecipe(asked, communicator: communicator)
    try requireSameProducts(allowsMixed: options.allowsMixedProducts, communicator: communicator)

    let survey = try surveyData(options.openDataset, communicator: communicator)
    for remark in survey.remarks { notice(remark) }
    let recipe = try together(communicator) {
      try checkpoint?.requireFormat(survey.format, of: survey.name)
      return try asked.fitted(toClasses: survey.format.classCount, evidence: survey.labelEvidence)
    }
    if let sentence = widthNotice(asked, recipe, survey) { notice(sentence) }
    let plan = StepPlan(recipe, trainCount: survey.trainCount)
    let network = try together(communicator) {
      try recipe.validate(trainCount: survey.trainCount, image: survey.inputShape)
      try requireWorkForAll(plan, worldSize: communicator.worldSize)
      guard options.reduction == .reproducible || recipe.gradients ?? .float32 == .float32 else {
        throw RunError("--gradients bfloat16 needs --reduction reproducible, found native", exitCode: 64)
      }
      return try Network(recipe.network, input: survey.inputShape, capacity: recipe.microBatch)
    }

    let data = try loadData(survey, communicator: communicator)
    let facts = data.facts
    if let recognition = facts.recognition, case .sizes = recognition {
      notice("the dataset \(facts.name) \(recognition)")
    }
    let layout = network.layout
    let mayShare =
      options.sharesMemory && options.reduction == .reproducible
      && plan.maximumLeafCount <= SharedReduction.maximumLeafCount
    // Samples that a rank alone keeps lie in memory that grows.
    let capacity = mayShare ? try sampleCapacity(plan, survey, communicator) : 0
    let group =
      mayShare
      ? try shareTrainingMemory(
        recipe, layout: layout, plan: plan, capacity: capacity, trainCount: survey.trainCount,
        longest: data.longest, over: communicator) : NodeGroup.alone(communicator)
    if let obstacle = group.obstacle {
      notice("ranks of a node share no memory (\(obstacle)): they exchange messages, at some cost")
    }
    samples = NodeSamples(
      data.train, first: data.firstOfTrain, longest: data.longest, capacity: capacity,
      placement: data.trainPlacement, group: group)
    let state = TrainingState(recipe: recipe, layout: layout, team: group)
    if checkpoint == nil, initial == nil {
      try initialize(state, recipe, group: group, over: communicator, notice: notice)
    }
    if let checkpoint {
      try together(communicator) {
        try checkpoint.requireContinuation(recipe: recipe, facts: facts)
        if !options.allowsMixedProducts { try checkpoint.requireProducts(Products.shared.identity) }
        state.cursor = Cursor(step: try checkpoint.step(), stepsPerEpoch: plan.stepsPerEpoch)
        try state.earlyStopping?.restore(from: checkpoint.metadata, origin: checkpoint.name)
        if case .file(let path) = options.resume, communicator.rank == 0 {
          try options.folder.requireOneRun(recipe, from: path, step: state.cursor.step)
        }
      }
      try state.restore(from: checkpoint, group: group, over: communicator)
    } else if let initial {
      try state.begin(with: initial.model, group: group, over: communicator)
    }
    let totalSteps = plan.totalSteps(recipe)
    finished = try finishedResult(options.folder, isResumed: checkpoint != nil, over: communicator)
    let finishedSteps = Int(try communicator.allGather(numbers: [Double(finished?.steps ?? -1)])[0][0])
    isFinished =
      finishedSteps == totalSteps
      || (finishedSteps == state.cursor.step && state.earlyStopping?.isOver ?? false)
    let stepsBefore = max(finishedSteps, state.cursor.step)
    guard stepsBefore <= totalSteps else {
      throw RunError.shared(
        "\(checkpoint?.name ?? options.folder.path): the run has taken \(stepsBefore) steps, more than the "
          + "\(totalSteps) that it is to have in all", exitCode: 64)
    }

    test = try Evaluator.dealt(
      data.test, from: data.testPlacement, samples: 0..<facts.testCount, network: network, over: communicator)
    validation =
      recipe.validation == 0
      ? nil
      : try Evaluator.dealt(
        samples.shard, from: data.trainPlacement, samples: plan.sampleCount..<facts.trainCount,
        network: network,
        over: communicator)
    bindings = try communicator.allGather(Array(hostAndCores().utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }

    self.communicator = communicator
    self.options = options
    self.recipe = recipe
    dataset = facts
    self.plan = plan
    self.totalSteps = totalSteps
    self.network = network
    self.state = state
    isResumed = checkpoint != nil
    resumedFrom = checkpoint.map { ResumedFrom($0) }
    timeline = options.trace == nil ? nil : Timeline()
    step = TrainingStep(
      recipe: recipe, plan: plan, totalSteps: totalSteps, network: network, communicator: communicator,
      group: group,
      options: StepOptions(
        reduction: options.reduction, plugin: plugin, algorithm: options.algorithm, deal: options.deal,
        isProfiling: options.isProfiling, isDigesting: true, fault: options.fault, timeline: timeline))
    self.group = group
    // What the leaders wrote is there for all.
    try group.barrier()
  }
}

/// The figures of a run that has come to its end, on the root; nil on the others. Called by all ranks, which wait for the
/// root to read the model that the figures are of.
private func finishedResult(
  _ folder: RunFolder, isResumed: Bool, over communicator: any Communicator
) throws -> RunResult? {
  guard isResumed else { return nil }
  let work: () throws -> RunResult? = {
    folder.finishedResult { path in (try? readFile(path)).map { SHA256Digest(of: $0).description } }
  }
  return try whileRootWorks(communicator, communicator.rank == 0 ? work : nil) ?? nil
}

/// What a user should know of a network whose last layer was changed for the dataset, or has features that no class has;
/// nil for nothing.
private func widthNotice(_ asked: Recipe, _ recipe: Recipe, _ survey: DatasetSurvey) -> String? {
  let classes = survey.format.classCount
  guard let width = asked.network.classCount, width != classes else { return nil }
  let found = "the dataset \(survey.name) has \(classes) \(classes == 1 ? "class" : "classes")"
  return recipe.network == asked.network
    ? "\(found), fewer than the network's last layer, dense \(width), tells apart"
    : "\(found): the network ends in dense \(classes) instead of dense \(width)"
}

/// The training samples that a rank may have to keep: those it reads, or those it is dealt.
private func sampleCapacity(
  _ plan: StepPlan, _ survey: DatasetSurvey, _ communicator: any Communicator
) throws(CommunicatorError) -> Int {
  let read = survey.trainRanges(worldSize: communicator.worldSize).map(\.count).max() ?? 0
  return max(read, DealRule.capacity(plan, nodes: try communicator.nodes()))
}
