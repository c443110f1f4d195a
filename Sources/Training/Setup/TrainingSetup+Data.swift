internal import Collectives
internal import Datasets
internal import Model
internal import Runs
internal import Tensors

extension TrainingSetup {
  /// A recipe that fits the data, made ready for the ranks of a communicator without a folder, with weights drawn from its
  /// seed. Called by all ranks. The order is that of `RunSetup`, without what belongs to folders and files.
  ///
  /// `refuge` are the words for where the last good state is.
  ///
  /// - Throws: `RunError`, the same on all ranks; `CommunicatorError`.
  init(
    _ recipe: Recipe, on data: TrialData, over communicator: any Communicator, options: StepOptions,
    refuge: String
  ) throws {
    let (facts, plan) = (data.facts, data.plan(recipe))
    let network = try together(communicator) {
      try requireWorkForAll(plan, worldSize: communicator.worldSize)
      return try Network(recipe.network, input: data.inputShape, capacity: recipe.microBatch)
    }
    let own = TrialData.ranges(facts.trainCount, over: communicator)
    let placement = Placement(ranges: own, totalSamples: facts.trainCount)
    let mayShare = plan.maximumLeafCount <= SharedReduction.maximumLeafCount
    let capacity =
      mayShare
      ? max(own.map(\.count).max() ?? 0, DealRule.capacity(plan, nodes: try communicator.nodes())) : 0
    let group =
      mayShare
      ? try shareTrainingMemory(
        recipe, layout: network.layout, plan: plan, capacity: capacity, trainCount: facts.trainCount,
        longest: facts.format.shape.pixelCount, over: communicator) : NodeGroup.alone(communicator)
    let share = own[communicator.rank]
    let samples = NodeSamples(
      data.train.samples(share), first: share.lowerBound, format: facts.format, capacity: capacity,
      placement: placement, group: group)
    let state = TrainingState(recipe: recipe, layout: network.layout, team: group)
    try initialize(state, recipe, group: group, over: communicator, notice: { _ in })
    let validation =
      recipe.validation == 0
      ? nil
      : try Evaluator.dealt(
        samples.shard, from: placement, samples: plan.sampleCount..<facts.trainCount, network: network,
        over: communicator)
    let totalSteps = plan.totalSteps(recipe)
    let step = TrainingStep(
      recipe: recipe, plan: plan, totalSteps: totalSteps, network: network, communicator: communicator,
      group: group, options: options)
    // What the leaders wrote is there for all.
    try group.barrier()
    self.init(
      communicator: communicator, recipe: recipe, plan: plan, totalSteps: totalSteps, network: network,
      state: state, step: step, group: group, samples: samples, validation: validation, dealsBySpeed: true,
      verifyEvery: 200, refuge: refuge, timeline: nil)
  }
}
