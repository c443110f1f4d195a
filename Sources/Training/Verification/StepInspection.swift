internal import Collectives
internal import Datasets
internal import Files
internal import Formatting
internal import Model
internal import Runs
internal import Tensors

/// Takes one step of two runs again, side by side on one rank, and finds where they part.
struct StepInspection {
  private let runs: [VerifiedRun]
  private let step: Int
  private let initialModel: String?

  /// Prepares the first step that differs between two runs.
  init(_ runs: [VerifiedRun], step: Int, initialModel: String?) {
    (self.runs, self.step, self.initialModel) = (runs, step, initialModel)
  }

  /// Why a step cannot be taken again here: the sentence.
  private struct Obstacle: Error {
    let sentence: String
  }

  /// One run's side of the comparison.
  private struct Side {
    let products: Products
    let replay: Replay

    /// Does something with the run's products in the place of this process's.
    func compute<Value>(_ body: (Replay) throws -> Value) rethrows -> Value {
      guard products !== Products.shared else { return try body(replay) }
      Products.substitute = Unmanaged.passUnretained(products)
      defer { Products.substitute = nil }
      return try body(replay)
    }
  }

  /// Finds why the step's digests differ.
  ///
  /// - Throws: `RunError` if the data cannot be read.
  func cause(
    _ openDataset: (_ name: String?) throws -> Dataset, notice: (String) -> Void
  ) throws -> RunComparison.Cause {
    do {
      try requireLikeness()
      let products = try products()
      let name = runs.lazy.compactMap(\.dataset).first
      let data = try TrialData(
        over: SingleCommunicator(), keepsTest: false, open: { try openDataset(name) }, notice: notice)
      for (run, products) in zip(runs, products) {
        let conditions = run.receipt.segment(ofStep: step).conditions
        if let reason = VerifiedRun.obstacle(to: conditions, data: data, products: products.identity) {
          throw Obstacle(sentence: reason)
        }
      }
      let sides = zip(runs, products).map { run, products in
        Side(
          products: products,
          replay: Replay(run.receipt.segments, on: data, over: SingleCommunicator()))
      }
      if let cause = try reach(sides) { return cause }
      return try compare(sides)
    } catch let obstacle as Obstacle {
      return .unknown(obstacle.sentence)
    }
  }

  /// Products with the bits of each run's.
  private func products() throws -> [Products] {
    let identities = runs.map { $0.receipt.segment(ofStep: step).conditions.products }
    guard identities.contains(where: { $0 != Products.definedIdentity }) else {
      return runs.map { _ in Products.shared }
    }
    do {
      // A process has one OpenBLAS, with the kernels that it was first told to use: products as defined do without.
      let openBLAS = try Products.make(.openblas)
      let own = try Products.make(.own)
      return identities.map { $0 == Products.definedIdentity ? own : openBLAS }
    } catch {
      throw Obstacle(sentence: error.description)
    }
  }

  /// Both recipes must cut a step into the same micro-batches of one network.
  private func requireLikeness() throws {
    let settings = RunComparison.settings(
      runs[0].receipt.segment(ofStep: step).conditions, runs[1].receipt.segment(ofStep: step).conditions)
    let names = ["network", "globalBatch", "microBatch", "validation", "dropsLastBatch", "dataset"]
    let different = settings.filter { names.contains($0.name) }.map(\.name)
    guard different.isEmpty else {
      throw Obstacle(
        sentence: "with another \(different.joined(separator: " and ")) there is nothing in it to compare")
    }
  }

  /// Brings both sides to the state before the step; a cause where they part before it.
  private func reach(_ sides: [Side]) throws -> RunComparison.Cause? {
    if step == 1 {
      let beginning = ReplayStart(step: 0, file: nil)
      guard runs.allSatisfy({ $0.starts.contains(beginning) }) else {
        throw Obstacle(sentence: "the model that the runs began with is not known: name it by --from")
      }
      for side in sides {
        try side.compute { try $0.begin(at: beginning, initialModel: initialModel) }
      }
      let states = sides.map(\.replay.setup.state)
      return difference(of: states[0].parameters, states[1].parameters, in: states[0].layout).map {
        .conditions(.initialWeights(tensor: $0.tensor), $0.values)
      }
    }
    // Up to here the runs are the same, so the state of one is that of both.
    let starts = runs.map { run in
      run.starts.sorted { $0.step > $1.step }.first {
        $0.step < step && $0.step >= run.receipt.firstStep && canReach(from: $0, run)
          && run.problem(of: $0) == nil
      }
    }
    guard
      let leader = [0, 1].filter({ starts[$0] != nil }).max(by: {
        starts[$0]?.step ?? 0 < starts[$1]?.step ?? 0
      }),
      let start = starts[leader]
    else {
      throw Obstacle(
        sentence: "no checkpoint before it is left to begin with; name one by --checkpoint if there is")
    }
    try sides[leader].compute { try $0.begin(at: start, initialModel: initialModel) }
    while let taken = sides[leader].replay.step, taken < step - 1 {
      let outcome = try sides[leader].compute { try $0.takeStep() }
      guard outcome.digest == runs[leader].receipt[step: taken + 1] else {
        throw Obstacle(
          sentence:
            "step \(Numbers.grouped(taken + 1)), which is the same in both, is not what their recipe makes of the "
            + "state before it: lockstep verify tells more")
      }
    }
    let state = sides[leader].replay.setup.state
    try sides[1 - leader].compute { try $0.begin(with: state) }
    return nil
  }

  /// Whether all steps from a start to the one that is looked into have the conditions of this run's products.
  private func canReach(from start: ReplayStart, _ run: VerifiedRun) -> Bool {
    let products = run.receipt.segment(ofStep: step).conditions.products
    return (start.step + 1...step).allSatisfy { number in
      let conditions = run.receipt.segment(ofStep: number).conditions
      return VerifiedRun.obstacle(to: conditions, data: nil, products: products) == nil
    }
  }

  /// Compares micro-batch by micro-batch, layer by layer, then the update, then what each run has on record.
  private func compare(_ sides: [Side]) throws -> RunComparison.Cause {
    for side in sides { try side.compute { try $0.deal() } }
    let layout = sides[0].replay.setup.network.layout
    let leafCount = sides[0].replay.setup.plan.leafCount(
      ofStep: sides[0].replay.setup.state.cursor.stepInEpoch)
    let leaves = sides.map { _ in FloatBuffer(count: layout.count + StepTotals.count) }
    for index in 0..<leafCount {
      let passes = zip(sides, leaves).map { side, leaf in
        side.compute { Self.pass($0, leaf: index, into: leaf) }
      }
      if let (place, values) = part(passes, leaves, microBatch: index + 1, layout) {
        return .conditions(place, values)
      }
    }
    let before = FloatBuffer(sides[0].replay.setup.state.parameters.elements)
    let outcomes = try sides.map { side in try side.compute { try $0.takeStep() } }
    let states = sides.map(\.replay.setup.state)
    if let (tensor, values) = difference(of: states[0].parameters, states[1].parameters, in: layout) {
      return .conditions(.update(tensor: tensor), values)
    }
    let isRight = zip(runs, outcomes).map { $0.receipt[step: step] == $1.digest }
    guard let wrong = isRight.firstIndex(of: false), isRight.contains(true) else { return .neither }
    return .fault(
      inSecond: wrong == 1, try fault(in: wrong, sides[wrong], before: before, leafCount: leafCount))
  }

  /// What a micro-batch's forward pass came to.
  private struct ForwardPass {
    var input: FloatBuffer
    var outputs: [(layer: String, values: FloatBuffer)] = []
  }

  private static func pass(_ replay: Replay, leaf: Int, into gradient: FloatBuffer) -> ForwardPass {
    let setup = replay.setup
    let network = setup.network
    var outputs: [(layer: String, values: FloatBuffer)] = []
    network.didForward = { layer, output in
      outputs.append((layer, FloatBuffer(output.indices.map { output[$0] })))
    }
    setup.step.computeLeaf(leaf, of: setup.state, samples: setup.samples, into: gradient)
    network.didForward = nil
    let count = setup.plan.positions(ofLeaf: leaf, step: setup.state.cursor.stepInEpoch).count
    let input = network.input
    return ForwardPass(
      input: FloatBuffer(input.slice(0..<count * network.inputShape.count)), outputs: outputs)
  }

  /// Where two computations of a micro-batch part, in the order in which things are computed.
  private func part(
    _ passes: [ForwardPass], _ leaves: [FloatBuffer], microBatch: Int, _ layout: ParameterLayout
  ) -> (RunComparison.Place, RunComparison.Values)? {
    let inputs = (passes[0].input, passes[1].input)
    if let values = RunComparison.Values(inputs.0.span, inputs.1.span) {
      return (.samples(microBatch: microBatch), values)
    }
    for (one, other) in zip(passes[0].outputs, passes[1].outputs) {
      guard let values = RunComparison.Values(one.values.span, other.values.span) else { continue }
      return (.output(microBatch: microBatch, layer: one.layer), values)
    }
    let (one, other) = (leaves[0], leaves[1])
    let totals = layout.count..<layout.count + StepTotals.digestedCount
    if let values = RunComparison.Values(one.span.extracting(totals), other.span.extracting(totals)) {
      return (.loss(microBatch: microBatch), values)
    }
    for tensor in layout.tensors.reversed() {
      guard
        let values = RunComparison.Values(
          one.span.extracting(tensor.range), other.span.extracting(tensor.range))
      else { continue }
      return (.gradient(microBatch: microBatch, tensor: tensor.name), values)
    }
    return nil
  }

  /// The first tensor that differs.
  private func difference(
    of one: FloatBuffer, _ other: FloatBuffer, in layout: ParameterLayout
  ) -> (tensor: String, values: RunComparison.Values)? {
    for tensor in layout.tensors {
      guard
        let values = RunComparison.Values(
          one.span.extracting(tensor.range), other.span.extracting(tensor.range))
      else { continue }
      return (tensor.name, values)
    }
    return nil
  }

  /// What a run has computed wrong, by the digest that it has of the step; nil where it is more than one value.
  private func fault(
    in run: Int, _ side: Side, before: FloatBuffer, leafCount: Int
  ) throws -> RunComparison.Fault? {
    let setup = side.replay.setup
    guard let recorded = runs[run].receipt[step: step], let sum = setup.step.lastSum else { return nil }
    let layout = setup.network.layout
    let gradient = sum.span.extracting(first: layout.count + StepTotals.digestedCount)
    let isInGradient = NHHash.hash(gradient) != recorded.gradient
    let (parameters, hash) = (setup.state.parameters, isInGradient ? recorded.gradient : recorded.parameters)
    let candidates = SingleDifference.candidates(in: isInGradient ? gradient : parameters.span, found: hash)
    guard candidates.count == 1, let only = candidates.first,
      let tensor = layout.tensors.first(where: { $0.range.contains(only.index) })
    else { return nil }
    var fault = RunComparison.Fault(
      isInGradient: isInGradient, tensor: tensor.name,
      index: Self.coordinates(of: only.index - tensor.offset, in: tensor.shape), expected: only.expected,
      found: only.found)
    if isInGradient, setup.recipe.gradients ?? .float32 == .float32 {
      fault.flips = flips(only, side, before: before, leafCount: leafCount)
    }
    return fault
  }

  /// Flips of a bit in a micro-batch that explain a wrong value of the sum; `before` are the parameters before the step.
  private func flips(
    _ difference: SingleDifference, _ side: Side, before: FloatBuffer, leafCount: Int
  ) -> [RunComparison.Fault.Flip] {
    // The step has been taken, and nobody needs any more what came of it.
    let setup = side.replay.setup
    let leaf = FloatBuffer(count: setup.network.layout.count + StepTotals.count)
    setup.state.cursor = Cursor(step: step - 1, stepsPerEpoch: setup.plan.stepsPerEpoch)
    setup.state.parameters.copy(from: before)
    let values = side.compute { _ in
      (0..<leafCount).map { index in
        setup.step.computeLeaf(index, of: setup.state, samples: setup.samples, into: leaf)
        return leaf.span[difference.index]
      }
    }
    return difference.flips(in: values).map { RunComparison.Fault.Flip(microBatch: $0.leaf + 1, bit: $0.bit) }
  }

  /// The place of an element in a tensor, row-major.
  private static func coordinates(of element: Int, in shape: [Int]) -> [Int] {
    var (rest, index) = (element, [Int]())
    for extent in shape.reversed() {
      index.insert(rest % max(extent, 1), at: 0)
      rest /= max(extent, 1)
    }
    return index
  }
}
