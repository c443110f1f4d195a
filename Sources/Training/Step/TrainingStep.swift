internal import Collectives
internal import Model
public import Runs
internal import Tensors

/// What one step did, summed over the global batch.
struct StepOutcome {
  /// Mean cross-entropy, in nats.
  var loss: Double
  /// Samples classified right before the update.
  var correct: Int
  /// Samples of the global batch.
  var samples: Int
  /// The schedule's factor of the learning rates.
  var rate: Float
  /// Whether some rank was asked to save and stop, or to save and go on.
  var isStopRequested: Bool
  var isSaveRequested: Bool
  /// This rank's time.
  var times: PhaseTimes
}

/// The step: this rank's micro-batches forward and backward, the all-reduce, the update.
///
/// What travels in the one flat buffer: the gradient, then the control slots below.
final class TrainingStep {
  private enum Slot {
    static let loss = 0
    static let correct = 1
    static let samples = 2
    static let stop = 3
    static let save = 4
    static let count = 8
  }

  /// The floats behind the gradient.
  static let controlCount = Slot.count

  private let recipe: Recipe
  private let plan: StepPlan
  private let totalSteps: Int
  private let network: Network
  private let loss: SoftmaxCrossEntropy
  private let preparation: InputPreparation
  private let reduction: any GradientReduction
  /// Whether the network measures its layers.
  private let isProfiling: Bool
  /// Where laps are recorded, if anywhere.
  private let timeline: Timeline?
  private let labels: UnsafeMutablePointer<UInt8>
  private let samples: UnsafeMutablePointer<Int32>

  init(
    recipe: Recipe, plan: StepPlan, totalSteps: Int, network: Network, communicator: any Communicator,
    reduction kind: ReductionKind, algorithm: ReductionAlgorithm?, isProfiling: Bool,
    timeline: Timeline?
  ) {
    self.timeline = timeline
    self.isProfiling = isProfiling
    self.recipe = recipe
    self.plan = plan
    self.totalSteps = totalSteps
    self.network = network
    loss = SoftmaxCrossEntropy(classCount: network.classCount, labelSmoothing: recipe.labelSmoothing)
    preparation = InputPreparation(shift: recipe.shift, seed: recipe.seed)
    let elementCount = network.layout.count + Slot.count
    switch kind {
    case .reproducible:
      reduction = ReproducibleReduction(
        communicator: communicator, elementCount: elementCount, maximumLeafCount: plan.maximumLeafCount,
        format: recipe.gradients ?? .float32, exactCount: Slot.count, algorithm: algorithm)
    case .native:
      reduction = NativeReduction(communicator: communicator, elementCount: elementCount)
    }
    labels = .allocate(capacity: recipe.microBatch)
    samples = .allocate(capacity: recipe.microBatch)
  }

  deinit {
    labels.deallocate()
    samples.deallocate()
  }

  /// Takes the step that `state.cursor` points at; leaves the cursor alone.
  ///
  /// - Throws: `CommunicatorError` if a peer cannot be reached.
  func run(_ state: TrainingState, shard: Shard, rank: Int) throws -> StepOutcome {
    let cursor = state.cursor
    var times = PhaseTimes()
    var watch = Stopwatch(timeline)
    timeline?.step = cursor.step + 1
    let controls = network.layout.count
    var stops: Float = StopSignals.isStopRequested ? 1 : 0
    var slot = plan.localStart(ofRank: rank, step: cursor.stepInEpoch)

    network.isProfiling = isProfiling
    defer { network.isProfiling = false }
    network.prepare(state.parameters)
    reduction.begin(leafCount: plan.leafCount(ofStep: cursor.stepInEpoch))
    // A rank without a leaf in a short last batch has nowhere to put a request: it keeps it for the next step.
    var saves: Float = !reduction.ownedLeaves.isEmpty && StopSignals.takeSaveRequest() ? 1 : 0
    for leaf in reduction.ownedLeaves {
      let count = plan.positions(ofLeaf: leaf, step: cursor.stepInEpoch).count
      load(shard, from: slot, count: count, epoch: cursor.epoch)
      slot += count
      times.data += watch.lap(.data)

      reduction.withNextLeaf { gradient in
        let randomness = Randomness(seed: recipe.seed, epoch: cursor.epoch, samples: samples)
        let logits = network.forward(count: count, randomness: randomness)
        let sum = loss.evaluate(
          logits: logits, labels: labels, count: count, gradient: network.logitGradient)
        times.forward += watch.lap(.forward)
        network.backward(count: count, randomness: randomness, gradient: gradient)
        (gradient + controls).update(repeating: 0, count: Slot.count)
        gradient[controls + Slot.loss] = sum.loss
        gradient[controls + Slot.correct] = Float(sum.correct)
        gradient[controls + Slot.samples] = Float(count)
        gradient[controls + Slot.stop] = stops
        gradient[controls + Slot.save] = saves
        (stops, saves) = (0, 0)
        times.backward += watch.lap(.backward)
      }
      times.reduction += watch.lap(.reduction)
    }
    let sum = try reduction.reduce()
    let wait = reduction.lastWaitSeconds
    times.wait += wait
    times.reduction += watch.lap(.reduction, waiting: reduction.lastWaits) - wait

    let sampleCount = sum[controls + Slot.samples]
    let rate = recipe.schedule.rate(
      at: cursor.step, of: totalSteps, stepsPerEpoch: plan.stepsPerEpoch)
    update(state, gradient: sum, scale: 1 / sampleCount, rate: rate)
    times.update += watch.lap(.update)
    return StepOutcome(
      loss: Double(sum[controls + Slot.loss] / sampleCount), correct: Int(sum[controls + Slot.correct]),
      samples: Int(sampleCount), rate: rate, isStopRequested: sum[controls + Slot.stop] > 0,
      isSaveRequested: sum[controls + Slot.save] > 0, times: times)
  }

  private func load(_ shard: Shard, from slot: Int, count: Int, epoch: Int) {
    let length = network.inputShape.count
    for i in 0..<count {
      let sample = shard.samples[slot + i]
      preparation.prepareForTraining(
        shard.image(slot + i), sample: sample, epoch: epoch, into: network.input.pointer + i * length)
      labels[i] = shard.label(slot + i)
      samples[i] = sample
    }
  }

  private func update(
    _ state: TrainingState, gradient: UnsafePointer<Float>, scale: Float, rate: Float
  ) {
    var scale = scale
    if let limit = recipe.gradientClipping {
      scale *= clippingFactor(gradient, count: state.layout.count, scale: scale, limit: limit)
    }
    state.optimizer.update(
      state.parameters, gradient: gradient, scale: scale, rate: rate, step: state.cursor.step)
    if let decay = recipe.averaging, let averaged = state.averaged {
      average(state.parameters, into: averaged, decay: decay)
    }
  }
}

/// How the ranks' gradients are added up.
public enum ReductionKind: String, Sendable, CaseIterable {
  /// One canonical tree of micro-batches: the same bits at any number of ranks.
  case reproducible
  /// Plain `MPI_Allreduce`: for comparison only, the bits depend on the number of ranks.
  case native
}

extension Recipe {
  /// The floats that a step's reduction adds up: the gradient and the control values behind it.
  ///
  /// - Throws: `NetworkSpecificationError` if the network does not fit the images.
  public func flatElementCount() throws -> Int {
    try Network(network, capacity: 1).layout.count + TrainingStep.controlCount
  }
}
