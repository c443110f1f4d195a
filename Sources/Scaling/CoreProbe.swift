package import Collectives
internal import Files
internal import Model
internal import Runs
internal import Tensors

/// Measures how fast each rank's core is with work of our own, while all others are at work too.
package enum CoreProbe {
  /// Longer than a scheduler's turns, so that a core which others use for half of the time shows as half as fast.
  private static let sliceSeconds = 0.025
  private static let sliceCount = 12

  /// This rank's speed in images per second: micro-batches of recipe `quick`, forward and backward, for about 0.3
  /// s; the median of 12 slices, so that a hiccup does not count. Called by all ranks, which begin together.
  ///
  /// - Throws: `CommunicatorError`; `NetworkSpecificationError` never, since the recipe is ours.
  package static func measure(over communicator: any Communicator) throws -> Double {
    guard let recipe = Recipe.named("quick") else { return 0 }
    let work = try Work(recipe)
    // Finds cold caches.
    for _ in 0..<20 { work.run() }
    try communicator.barrier()
    var rates: [Double] = []
    for _ in 0..<sliceCount {
      let start = MonotonicClock.now()
      var (images, seconds) = (0, 0.0)
      repeat {
        work.run()
        images += recipe.microBatch
        seconds = MonotonicClock.now() - start
      } while seconds < sliceSeconds
      rates.append(Double(images) / seconds)
    }
    return Spread(rates).median
  }

  /// One micro-batch, again and again.
  private struct Work {
    let network: Network
    let parameters: FloatBuffer
    let gradient: FloatBuffer
    let loss: SoftmaxCrossEntropy
    let labels: [UInt16]

    init(_ recipe: Recipe) throws {
      let network = try Network(recipe.network, capacity: recipe.microBatch)
      self.network = network
      parameters = FloatBuffer(count: network.layout.count)
      gradient = FloatBuffer(count: network.layout.count)
      network.layout.initialize(parameters, seed: recipe.seed)
      loss = SoftmaxCrossEntropy(classCount: network.classCount, labelSmoothing: recipe.labelSmoothing)
      labels = Array(repeating: 0, count: recipe.microBatch)
      let input = network.input
      var pixels = input.mutableSpan
      CounterGenerator(seed: 0, for: .test).fillNormal(&pixels, standardDeviation: 1)
      network.prepare(parameters)
    }

    func run() {
      let (network, buffer) = (network, gradient)
      network.forward(count: network.capacity)
      var logitGradient = network.logitGradient
      _ = loss.evaluate(logits: network.logits, labels: labels.span, gradient: &logitGradient)
      var gradient = buffer.mutableSpan
      network.backward(count: network.capacity, gradient: &gradient)
    }
  }
}
