internal import Files
package import Tensors

/// A network with the memory to run one micro-batch forward and backward.
///
/// It holds no parameters: those are one flat buffer that the caller owns. All memory is allocated by `init`,
/// so that a step allocates nothing. One network serves one thread.
package final class Network {
  package let specification: NetworkSpecification
  /// The shape of an input sample.
  package let inputShape: Shape
  package let classCount: Int
  /// The largest micro-batch, in samples.
  package let capacity: Int
  /// Where each parameter lies in the flat buffers.
  package let layout: ParameterLayout

  private let layers: [any Layer]
  /// Activations of each layer's output; in-place layers share their predecessor's. [capacity, shape].
  private let activations: [FloatBuffer]
  /// Two buffers that the activations' gradients go back and forth between. [capacity, largest shape].
  private let gradients: (FloatBuffer, FloatBuffer)
  /// [capacity, input shape], where callers put the micro-batch; with slack for vector reads.
  package let input: FloatBuffer
  private var parameters: FloatBuffer?
  /// Samples of the last forward pass.
  private var count = 0
  /// Told of each layer's output, [count, shape], before the next layer may overwrite it; for whoever looks into a pass.
  package var didForward: ((_ layer: String, _ output: Span<Float>) -> Void)?
  /// Whether passes measure each layer's time; off unless asked for.
  package var isProfiling = false {
    didSet { if isProfiling != oldValue { ProductTimer.isOn = isProfiling } }
  }
  /// Seconds spent in each layer while `isProfiling`.
  package private(set) var profile: [LayerTime]
  /// The first layer with parameters: nobody needs the gradient of what comes before.
  private let firstTrainable: Int

  /// Plans `specification` for micro-batches of up to `capacity` samples of shape `input`.
  ///
  /// - Throws: `NetworkSpecificationError` if a layer does not fit its input, or the last one does not give
  ///   logits.
  package init(
    _ specification: NetworkSpecification, input: Shape = .mnist, capacity: Int
  ) throws(NetworkSpecificationError) {
    precondition(capacity > 0, "a micro-batch has at least one sample")
    let shapes = try specification.outputShapes(input: input)
    self.specification = specification
    inputShape = input
    classCount = shapes.last?.count ?? 0
    self.capacity = capacity
    let plan = NetworkPlan(specification, input: input, capacity: capacity)
    layers = plan.layers
    profile = plan.layers.map { LayerTime(name: $0.name) }
    layout = ParameterLayout(tensors: plan.tensors)
    self.input = FloatBuffer(count: capacity * input.count + 16)
    var buffers: [FloatBuffer] = []
    for layer in plan.layers {
      if layer.isInPlace {
        buffers.append(buffers.last ?? self.input)
      } else {
        buffers.append(FloatBuffer(count: capacity * layer.outputShape.count + 16))
      }
    }
    activations = buffers
    let largest = plan.layers.map { max($0.outputShape.count, $0.inputShape.count) }.max() ?? 0
    gradients = (
      FloatBuffer(count: capacity * largest + 16), FloatBuffer(count: capacity * largest + 16)
    )
    firstTrainable =
      plan.layers.firstIndex { $0.isTrainable } ?? 0
  }

  /// Says which parameters the following passes use; to be called again whenever they have changed.
  ///
  /// The buffer must stay where it is until the last of these passes.
  package func prepare(_ parameters: FloatBuffer) {
    precondition(parameters.count == layout.count, "\(parameters.count) parameters for \(layout.count)")
    self.parameters = parameters
    for layer in layers { layer.prepare(parameters) }
  }

  /// Runs the first `count` samples of `input` through all layers, with the parameters last prepared, to `logits`.
  ///
  /// - Parameters:
  ///   - count: samples, 1...capacity.
  ///   - randomness: given in training, nil in inference, where dropout does nothing.
  package func forward(count: Int, randomness: Randomness? = nil) {
    precondition(count > 0 && count <= capacity, "a micro-batch of \(count) in a network for \(capacity)")
    let pass = self.pass(count, randomness)
    self.count = count
    let didForward = didForward
    for index in layers.indices {
      let (start, products) = isProfiling ? (MonotonicClock.now(), ProductTimer.seconds) : (0, 0)
      let (source, target) = (index > 0 ? activations[index - 1] : input, activations[index])
      var output = target.mutableSpan
      layers[index].forward(pass, input: source.span, output: &output)
      didForward?(
        layers[index].name, target.span.extracting(first: count * layers[index].outputShape.count))
      if isProfiling {
        profile[index].forward += MonotonicClock.now() - start
        profile[index].products += ProductTimer.seconds - products
      }
    }
  }

  /// What `forward` computed last: the logits, [count, classes].
  package var logits: Span<Float> {
    @_lifetime(borrow self)
    get {
      let last = activations.last ?? input
      return _overrideLifetime(last.span.extracting(first: count * classCount), borrowing: self)
    }
  }

  private func pass(_ count: Int, _ randomness: Randomness?) -> Pass {
    guard let parameters else { preconditionFailure("prepare(_:) says which parameters to use") }
    return Pass(count: count, parameters: parameters, randomness: randomness)
  }

  /// The gradient of the logits, [capacity, classes], of which the loss fills in the first `count` rows before
  /// `backward`.
  package var logitGradient: MutableSpan<Float> {
    @_lifetime(borrow self)
    get {
      let first = gradients.0
      return _overrideLifetime(first.mutableSpan, borrowing: self)
    }
  }

  /// Takes `logitGradient` back through all layers, after `forward` with the same arguments.
  ///
  /// Overwrites `gradient` with the loss sum's gradient, flat, in `layout`; it may be longer.
  package func backward(count: Int, randomness: Randomness? = nil, gradient: inout MutableSpan<Float>) {
    precondition(gradient.count >= layout.count, "\(gradient.count) elements for \(layout.count) parameters")
    let pass = self.pass(count, randomness)
    var (current, other) = gradients
    for index in stride(from: layers.count - 1, through: firstTrainable, by: -1) {
      let layer = layers[index]
      let (start, products) = isProfiling ? (MonotonicClock.now(), ProductTimer.seconds) : (0, 0)
      let (source, target) = (index > 0 ? activations[index - 1] : input, activations[index])
      let (above, below) = (current, other)
      var outputGradient = above.mutableSpan
      var inputGradient = index > firstTrainable ? below.mutableSpan : nil
      layer.backward(
        pass, output: target.span, input: source.span, outputGradient: &outputGradient,
        inputGradient: &inputGradient, gradient: &gradient)
      if !layer.isInPlace { swap(&current, &other) }
      if isProfiling {
        profile[index].backward += MonotonicClock.now() - start
        profile[index].products += ProductTimer.seconds - products
      }
    }
  }
}

/// Where a network's time goes.
package struct LayerTime: Hashable, Sendable {
  /// The layer's name, e.g. `conv2`.
  package let name: String
  /// Seconds in forward passes.
  package var forward = 0.0
  /// Seconds in backward passes.
  package var backward = 0.0
  /// Seconds of both in products of matrices; the rest is im2col, transforms and the like.
  package var products = 0.0
}
