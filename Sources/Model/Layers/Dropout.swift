internal import Tensors

/// Inverted dropout (Srivastava et al. 2014), in place: in training each value is zeroed with probability p,
/// the others are divided by 1 − p; in inference nothing happens.
///
/// Whether value i of sample s survives is a function of (seed, epoch, s, layer, i): 16 bits of a
/// counter-based generator, so p is rounded to a multiple of 2⁻¹⁶.
final class Dropout: Layer {
  let name: String
  let inputShape: Shape
  var outputShape: Shape { inputShape }
  let isInPlace = true

  private let index: UInt64
  private let threshold: UInt64
  private let survivorScale: Float
  /// [capacity, count]: what forward multiplied each value by.
  private let factors: FloatBuffer

  /// `index` tells the dropout layers of a network apart.
  init(name: String, shape: Shape, index: Int, probability: Float, capacity: Int) {
    self.name = name
    inputShape = shape
    self.index = UInt64(index)
    threshold = UInt64((probability * 65536).rounded())
    survivorScale = 1 / (1 - probability)
    factors = FloatBuffer(count: capacity * shape.count + 4)
  }

  func forward(_ pass: Pass, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
    guard let randomness = pass.randomness else { return }
    let length = inputShape.count
    for sample in 0..<pass.count {
      let generator = CounterGenerator(
        seed: randomness.seed, for: .dropout, UInt64(randomness.epoch),
        UInt64(randomness.samples[sample]), index)
      let factor = factors.pointer + sample * length
      for group in 0..<(length + 3) / 4 {
        let bits = generator.bits(at: UInt64(group))
        for lane in 0..<4 {
          let isDropped = (bits >> UInt64(16 * lane)) & 0xFFFF < threshold
          factor[4 * group + lane] = isDropped ? 0 : survivorScale
        }
      }
    }
    for i in 0..<pass.count * length {
      output[i] *= factors.pointer[i]
    }
  }

  func backward(
    _ pass: Pass, output: UnsafePointer<Float>, input: UnsafePointer<Float>,
    outputGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    gradient: UnsafeMutablePointer<Float>
  ) {
    guard pass.randomness != nil else { return }
    for i in 0..<pass.count * inputShape.count {
      outputGradient[i] *= factors.pointer[i]
    }
  }
}
