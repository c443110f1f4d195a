internal import Tensors

/// What all layers see of one micro-batch on its way through the network.
struct Pass {
  /// Samples in this micro-batch, at most the network's capacity.
  var count: Int
  /// The network's flat parameters.
  var parameters: FloatBuffer
  /// Present in training: what dropout's random numbers are a function of.
  var randomness: Randomness?
}

/// What makes a training pass random: every number is a function of (seed, epoch, sample).
package struct Randomness {
  package var seed: UInt64
  package var epoch: Int
  /// The samples' indices in the training set, at least as many as the micro-batch has samples.
  package var samples: [Int32]

  package init(seed: UInt64, epoch: Int, samples: [Int32]) {
    self.seed = seed
    self.epoch = epoch
    self.samples = samples
  }
}

/// One step of a network's plan: activations [n, height, width, channels] in, activations out.
///
/// A layer owns what it must remember between `forward` and `backward`, allocated once for the largest
/// micro-batch. The network owns the activations.
protocol Layer: AnyObject {
  /// The layer's name in profiles, e.g. `conv1`.
  var name: String { get }
  var inputShape: Shape { get }
  var outputShape: Shape { get }
  /// Whether the layer overwrites its input; `input` and `output` are then the same memory.
  var isInPlace: Bool { get }
  /// Whether the layer has parameters whose gradient it writes; nobody needs gradients in front of the first such one.
  var isTrainable: Bool { get }

  /// Called whenever the parameters have changed, before the passes that use them.
  func prepare(_ parameters: FloatBuffer)

  /// Writes `output` for `pass.count` samples.
  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>)

  /// Writes the gradients of the layer's own parameters to their place in the flat `gradient` (overwriting),
  /// and that of its input to `inputGradient` unless nobody asks for it.
  ///
  /// An in-place layer changes `outputGradient` into the input's gradient. `output` is what `forward` wrote,
  /// possibly changed since by in-place layers that only zero or scale values.
  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>)
}

extension Layer {
  var isTrainable: Bool { false }

  func prepare(_ parameters: FloatBuffer) {}
}
