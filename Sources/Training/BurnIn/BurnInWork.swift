internal import Collectives
internal import Files
internal import Model
internal import Runs
internal import Tensors

/// The leaves of a burn-in: micro-batches of recipe `quick`, forward and backward, on images that nobody need send.
final class BurnInWork {
  /// Images of a leaf.
  let microBatch: Int
  private let network: Network
  private let parameters: FloatBuffer
  private let leaf: FloatBuffer
  private let loss: SoftmaxCrossEntropy
  private var labels: [UInt16]
  private let fault: BurnInFault?
  /// Leaves computed so far: a drill's faults come by chance.
  private var count: UInt64 = 0

  /// - Throws: `NetworkSpecificationError` never, since the recipe is ours.
  init(fault: BurnInFault?) throws {
    guard let recipe = Recipe.named("quick") else { preconditionFailure("`quick` is built in") }
    self.fault = fault
    microBatch = recipe.microBatch
    network = try Network(recipe.network, capacity: recipe.microBatch)
    parameters = FloatBuffer(count: network.layout.count)
    leaf = FloatBuffer(count: network.layout.count)
    network.layout.initialize(parameters, seed: recipe.seed)
    loss = SoftmaxCrossEntropy(classCount: network.classCount, labelSmoothing: recipe.labelSmoothing)
    labels = Array(repeating: 0, count: recipe.microBatch)
    network.prepare(parameters)
  }

  /// Computes leaf `index` of what `set` computes in a round, and returns a hash of its bits: one float that differs
  /// always changes it.
  func hash(round: Int, set: Int, index: Int) -> UInt64 {
    let number = CounterGenerator(seed: 0, for: .burnIn, UInt64(round), UInt64(set), UInt64(index))
    let (network, leaf) = (network, leaf)
    let input = network.input
    for place in 0..<microBatch * network.inputShape.count {
      // The range of MNIST's pixels once they are prepared.
      input.pointer[place] = Float(number.bits(at: UInt64(place)) >> 40) * (3.25 * 0x1p-24) - 0.425
    }
    for sample in labels.indices {
      labels[sample] = UInt16(number.below(network.classCount, at: UInt64(1 << 32 + sample)))
    }
    let labels = labels
    network.forward(count: microBatch)
    var logitGradient = network.logitGradient
    let sum = loss.evaluate(logits: network.logits, labels: labels.span, gradient: &logitGradient)
    var gradient = leaf.mutableSpan
    network.backward(count: microBatch, gradient: &gradient)
    count += 1
    if let fault, fault.kind != .wire {
      fault.strike(leaf, draw: fault.kind == .stuck ? number.bits(at: 1 << 40) : count)
    }
    return leaf.bitHash(startingWith: UInt64(sum.loss.bitPattern))
  }
}

/// Messages whose content both ends know.
final class BurnInExchange {
  /// Floats of a message: 256 KiB.
  static let messageCount = 1 << 16

  private let communicator: any Communicator
  private let fault: BurnInFault?
  private let outgoing = FloatBuffer(count: messageCount)
  private let incoming = FloatBuffer(count: messageCount)
  private var count: UInt64 = 0

  init(over communicator: any Communicator, fault: BurnInFault?) {
    self.communicator = communicator
    self.fault = fault
  }

  /// Exchanges so many messages with `peer`, which does the same; how many came with other bits than were sent, and the
  /// seconds that it took.
  func run(with peer: Int, round: Int, messages: Int) throws -> (wrong: Int, seconds: Double) {
    let range = 0..<Self.messageCount
    var wrong = 0
    var seconds = 0.0
    for number in 0..<messages {
      fill(outgoing, round: round, sender: communicator.rank, number: number)
      count += 1
      if let fault, fault.kind == .wire { fault.strike(outgoing, draw: count) }
      let start = MonotonicClock.now()
      try communicator.exchange(
        sends: [Message(peer: peer, tag: 0, buffer: outgoing, range: range)],
        receives: [Message(peer: peer, tag: 0, buffer: incoming, range: range)])
      seconds += MonotonicClock.now() - start
      if !holds(incoming, round: round, sender: peer, number: number) { wrong += 1 }
    }
    return (wrong, seconds)
  }

  /// The first word of a message, and what each next one is more.
  private func series(round: Int, sender: Int, number: Int) -> (first: UInt32, step: UInt32) {
    let bits = CounterGenerator(seed: 2, for: .burnIn, UInt64(round), UInt64(sender), UInt64(number)).bits(
      at: 0)
    return (UInt32(truncatingIfNeeded: bits), UInt32(bits >> 32) | 1)
  }

  private func fill(_ buffer: FloatBuffer, round: Int, sender: Int, number: Int) {
    let (first, step) = series(round: round, sender: sender, number: number)
    for place in 0..<buffer.count {
      buffer.pointer[place] = Float(bitPattern: first &+ step &* UInt32(truncatingIfNeeded: place))
    }
  }

  private func holds(_ buffer: FloatBuffer, round: Int, sender: Int, number: Int) -> Bool {
    let (first, step) = series(round: round, sender: sender, number: number)
    var difference: UInt32 = 0
    for place in 0..<buffer.count {
      difference |= buffer.pointer[place].bitPattern ^ (first &+ step &* UInt32(truncatingIfNeeded: place))
    }
    return difference == 0
  }
}
