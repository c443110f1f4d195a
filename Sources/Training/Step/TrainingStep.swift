package import Collectives
package import Model
package import Runs
internal import Tensors

/// The step: this rank's micro-batches forward and backward, the all-reduce, the update.
///
/// What travels is one flat buffer: the gradient, then `StepTotals`.
package final class TrainingStep {
  private let recipe: Recipe
  private let plan: StepPlan
  private let totalSteps: Int
  private let network: Network
  private let loss: SoftmaxCrossEntropy
  private let preparation: TrainingPreparation
  private let reduction: any GradientReduction
  private let group: NodeGroup
  private let options: StepOptions
  /// nil where steps are not digested.
  private let digester: StepDigester?
  /// What the last step's gradients and totals added up to: valid until the next step.
  private(set) var lastSum: FloatBuffer?
  /// nil where nobody but us adds up.
  private let sumAgreement: SumAgreement?
  /// One micro-batch's labels and indices in the training set, [micro-batch].
  private var labels: [UInt16]
  private var samples: [Int32]

  /// A step of ranks that share what `group` has in common, `byteCount` bytes of it. Called by all ranks.
  package init(
    recipe: Recipe, plan: StepPlan, totalSteps: Int, network: Network, communicator: any Communicator,
    group: NodeGroup, options: StepOptions
  ) {
    self.recipe = recipe
    self.plan = plan
    self.totalSteps = totalSteps
    self.network = network
    self.group = group
    self.options = options
    loss = SoftmaxCrossEntropy(classCount: network.classCount, labelSmoothing: recipe.labelSmoothing)
    preparation = recipe.makeTrainingPreparation(of: network.inputShape)
    let elementCount = network.layout.count + StepTotals.count
    reduction =
      switch options.reduction {
      case .reproducible where group.isShared:
        SharedReduction(
          communicator: communicator, group: group, elementCount: elementCount,
          maximumLeafCount: plan.maximumLeafCount, format: recipe.gradients ?? .float32,
          exactCount: StepTotals.count, algorithm: options.algorithm, takesByNeed: options.deal == .speed)
      case .reproducible:
        ReproducibleReduction(
          communicator: communicator, elementCount: elementCount, maximumLeafCount: plan.maximumLeafCount,
          format: recipe.gradients ?? .float32, exactCount: StepTotals.count, algorithm: options.algorithm)
      case .native:
        NativeReduction(communicator: communicator, elementCount: elementCount, plugin: options.plugin)
      }
    digester = options.isDigesting ? StepDigester(group: group) : nil
    sumAgreement = options.plugin.map { SumAgreement(of: $0, over: communicator) }
    labels = Array(repeating: 0, count: recipe.microBatch)
    samples = Array(repeating: 0, count: recipe.microBatch)
  }

  /// The bytes in common that a step takes on a node of so many ranks.
  package static func byteCount(localSize: Int, layout: ParameterLayout, plan: StepPlan) -> Int {
    SharedReduction.byteCount(
      localSize: localSize, elementCount: layout.count + StepTotals.count,
      maximumLeafCount: plan.maximumLeafCount)
      + SharedMemory.space(StepDigester.byteCount(localSize: localSize))
  }

  /// What this rank has computed so far.
  var work: LeafWork { reduction.work }

  /// Says who is dealt which leaves from the next step on, the same on all ranks.
  func divide(_ division: LeafDivision) {
    reduction.division = division
  }

  /// Takes the step that `state.cursor` points at; leaves the cursor alone.
  ///
  /// - Throws: `CommunicatorError` if a peer cannot be reached; a shared `RunError` (70) if a plugin gave the ranks other
  ///   sums.
  package func run(_ state: TrainingState, samples: NodeSamples) throws -> StepOutcome {
    let cursor = state.cursor
    options.timeline?.step = cursor.step + 1
    network.isProfiling = options.isProfiling
    defer { network.isProfiling = false }
    var clock = PhaseClock(options.timeline)

    network.prepare(state.parameters)
    reduction.begin(leafCount: plan.leafCount(ofStep: cursor.stepInEpoch))
    var isFirst = true
    while let leaf = reduction.takeLeaf() {
      // A rank that gets no leaf has nowhere to put a request: it keeps it for the next step.
      let requests = isFirst ? takeRequests() : StepTotals()
      let fault = isFirst && options.fault?.step == cursor.step + 1 ? options.fault : nil
      isFirst = false
      let positions = plan.positions(ofLeaf: leaf, step: cursor.stepInEpoch)
      let count = positions.count
      load(samples, positions, epoch: cursor.epoch)
      clock.lap(.data)
      reduction.withLeaf { leaf in
        compute(count: count, epoch: cursor.epoch, requests, into: &leaf, &clock)
        fault?.strike(&leaf, count: network.layout.count)
      }
      clock.lap(.reduction)
    }
    let sum = try reduction.reduce()
    try sumAgreement?.verify(sum)
    clock.lap(.reduction, waiting: reduction.lastWaits)

    lastSum = sum
    let totals = StepTotals(sum.span, at: network.layout.count)
    let rate = recipe.schedule.rate(at: cursor.step, of: totalSteps, stepsPerEpoch: plan.stepsPerEpoch)
    try update(
      state, gradient: sum.span.extracting(first: network.layout.count), scale: 1 / totals.samples, rate: rate
    )
    // Where weights are averaged, all have met since the parameters were complete.
    try digester?.digest(sum: sum.span, state: state, isComplete: recipe.averaging != nil)
    clock.lap(.update)
    // The parameters are complete, and nobody reads the sum any more.
    try group.barrier()
    clock.lap(.wait)
    return StepOutcome(totals, rate: rate, times: clock.times, digest: digester?.total())
  }

  /// Computes one micro-batch of the step that `state.cursor` points at, and adds it to nothing: for whoever looks into a
  /// step. `leaf` has room for the gradient and the totals behind it.
  func computeLeaf(_ index: Int, of state: TrainingState, samples: NodeSamples, into leaf: FloatBuffer) {
    let positions = plan.positions(ofLeaf: index, step: state.cursor.stepInEpoch)
    var values = leaf.mutableSpan
    var clock = PhaseClock(nil)
    network.prepare(state.parameters)
    load(samples, positions, epoch: state.cursor.epoch)
    compute(count: positions.count, epoch: state.cursor.epoch, StepTotals(), into: &values, &clock)
  }

  /// What signals asked of this rank, to be put into its first leaf.
  private func takeRequests() -> StepTotals {
    var requests = StepTotals()
    requests.stops = options.isStopRequested() ? 1 : 0
    requests.saves = StopSignals.takeSaveRequest() ? 1 : 0
    return requests
  }

  /// Puts a micro-batch's pixels into the network's input, with their labels and indices.
  private func load(_ node: NodeSamples, _ positions: Range<Int>, epoch: Int) {
    let length = network.inputShape.count
    let buffer = network.input
    var input = buffer.mutableSpan
    for (i, position) in positions.enumerated() {
      let sample = node.sample(at: position)
      var image = input._mutatingExtracting(i * length..<(i + 1) * length)
      preparation.prepare(node.image(of: sample), sample: sample, epoch: epoch, into: &image)
      labels[i] = node.label(of: sample)
      samples[i] = sample
    }
    // Most likely this rank's next micro-batch: it comes while this one is computed.
    node.fetchAhead(positions.upperBound..<positions.upperBound + positions.count)
  }

  /// Forward and backward through all layers: overwrites a leaf with the micro-batch's gradient and totals.
  private func compute(
    count: Int, epoch: Int, _ requests: StepTotals, into leaf: inout MutableSpan<Float>,
    _ clock: inout PhaseClock
  ) {
    let (network, labels) = (network, labels)
    let randomness = Randomness(seed: recipe.seed, epoch: epoch, samples: samples)
    network.forward(count: count, randomness: randomness)
    var logitGradient = network.logitGradient
    let sum = loss.evaluate(
      logits: network.logits, labels: labels.span.extracting(first: count), gradient: &logitGradient)
    clock.lap(.forward)
    network.backward(count: count, randomness: randomness, gradient: &leaf)
    var totals = requests
    (totals.loss, totals.correct, totals.samples) = (sum.loss, Float(sum.correct), Float(count))
    totals.write(to: &leaf, at: network.layout.count)
    clock.lap(.backward)
  }

  private func update(_ state: TrainingState, gradient: Span<Float>, scale: Float, rate: Float) throws {
    var scale = scale
    if let limit = recipe.gradientClipping {
      scale *= clippingFactor(gradient, scale: scale, limit: limit)
    }
    try state.optimizer.update(
      state.parameters, gradient: gradient, scale: scale, rate: rate, step: state.cursor.step)
    if let decay = recipe.averaging, let averaged = state.averaged {
      // Others' parts of the parameters are averaged here too.
      try group.barrier()
      updateAverage(averaged, with: state.parameters, decay: decay, by: group)
    }
  }
}

/// How a step is carried out: nothing here changes the model but `ReductionKind.native`.
package struct StepOptions {
  package var reduction = ReductionKind.reproducible
  /// What a user brings to add up the ranks' gradients, with `ReductionKind.native`.
  package var plugin: ReductionPlugin?
  /// The reproducible reduction's algorithm; nil for the quicker one, found by trying.
  package var algorithm: ReductionAlgorithm?
  /// How leaves are divided among ranks.
  package var deal = DealPolicy.speed
  /// Whether the network measures its layers.
  package var isProfiling = false
  /// Whether the root's node digests what the step comes to.
  package var isDigesting = false
  /// What this rank is to do wrong, for drills.
  package var fault: GradientFault?
  /// Where laps are recorded, if anywhere.
  package var timeline: Timeline?
  /// Whether this rank was asked to stop: all do so after the same step.
  package var isStopRequested: () -> Bool

  package init(
    reduction: ReductionKind = .reproducible, plugin: ReductionPlugin? = nil,
    algorithm: ReductionAlgorithm? = nil, deal: DealPolicy = .speed, isProfiling: Bool = false,
    isDigesting: Bool = false, fault: GradientFault? = nil, timeline: Timeline? = nil,
    isStopRequested: @escaping () -> Bool = { StopSignals.isStopRequested }
  ) {
    self.reduction = reduction
    self.plugin = plugin
    self.algorithm = algorithm
    self.deal = deal
    self.isProfiling = isProfiling
    self.isDigesting = isDigesting
    self.fault = fault
    self.timeline = timeline
    self.isStopRequested = isStopRequested
  }
}

/// How the ranks' gradients are added up.
package enum ReductionKind: String, Sendable, CaseIterable {
  /// One canonical tree of micro-batches: the same bits at any number of ranks.
  case reproducible
  /// Plain `MPI_Allreduce`: for comparison only, the bits depend on the number of ranks.
  case native
}

extension Recipe {
  /// The floats that a step's reduction adds up: the gradient and the control values behind it.
  ///
  /// - Throws: `NetworkSpecificationError` if the network does not fit images of shape `input`.
  package func flatElementCount(input: Shape = .mnist) throws -> Int {
    try Network(network, input: input, capacity: 1).layout.count + StepTotals.count
  }
}
