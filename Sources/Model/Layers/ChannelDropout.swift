internal import Tensors

/// Dropout of whole channels (Tompson et al. 2015, §3.2, "SpatialDropout"), in place: in training a channel is zeroed at
/// all positions with probability p, the others are divided by 1 − p; in inference nothing happens.
///
/// Neighbouring values of a channel say much the same, so zeroing some of them takes little away. Whether channel c of
/// sample s survives is a function of (seed, epoch, s, layer, c): 16 bits, as in `Dropout`.
final class ChannelDropout: Layer {
  let name: String
  let inputShape: Shape
  var outputShape: Shape { inputShape }
  let isInPlace = true

  private let index: UInt64
  private let threshold: UInt64
  private let survivorScale: Float
  /// [capacity, channels]: what forward multiplied each channel by.
  private let factors: FloatBuffer

  /// `index` tells the layers of this kind in a network apart.
  init(name: String, shape: Shape, index: Int, probability: Float, capacity: Int) {
    self.name = name
    inputShape = shape
    self.index = UInt64(index)
    threshold = UInt64((probability * 65536).rounded())
    survivorScale = 1 / (1 - probability)
    factors = FloatBuffer(count: capacity * shape.channels)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    guard let randomness = pass.randomness else { return }
    let channels = inputShape.channels
    for sample in 0..<pass.count {
      let generator = CounterGenerator(
        seed: randomness.seed, for: .channelDropout, UInt64(randomness.epoch),
        UInt64(randomness.samples[sample]), index)
      let factor = factors.pointer + sample * channels
      for c in 0..<channels {
        let draw = generator.bits(at: UInt64(c / 4)) >> UInt64(c % 4 * 16) & 0xFFFF
        factor[c] = draw >= threshold ? survivorScale : 0
      }
    }
    multiply(output.start, count: pass.count)
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    guard pass.randomness != nil else { return }
    multiply(outputGradient.start, count: pass.count)
  }

  private func multiply(_ values: UnsafeMutablePointer<Float>, count: Int) {
    let channels = inputShape.channels
    var row = values
    for sample in 0..<count {
      let factor = factors.pointer + sample * channels
      for _ in 0..<inputShape.height * inputShape.width {
        for c in 0..<channels { row[c] *= factor[c] }
        row += channels
      }
    }
  }
}
