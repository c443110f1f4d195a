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
  private let threshold: UInt32
  private let survivorScale: Float
  /// One sample's random bits, 16 for each value.
  private let bits: UnsafeMutableBufferPointer<UInt64>
  /// [capacity, count]: what forward multiplied each value by.
  private let factors: FloatBuffer

  /// `index` tells the dropout layers of a network apart.
  init(name: String, shape: Shape, index: Int, probability: Float, capacity: Int) {
    self.name = name
    inputShape = shape
    self.index = UInt64(index)
    threshold = UInt32((probability * 65536).rounded())
    survivorScale = 1 / (1 - probability)
    factors = FloatBuffer(count: capacity * shape.count)
    bits = .allocate(capacity: (shape.count + 3) / 4)
    bits.initialize(repeating: 0)
  }

  deinit {
    bits.deallocate()
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let output = output.start
    guard let randomness = pass.randomness else { return }
    let length = inputShape.count
    for sample in 0..<pass.count {
      let generator = CounterGenerator(
        seed: randomness.seed, for: .dropout, UInt64(randomness.epoch),
        UInt64(randomness.samples[sample]), index)
      for group in bits.indices {
        bits[group] = generator.bits(at: UInt64(group)).littleEndian
      }
      // Sixteen bits a value; plain loops over them come out in vector instructions.
      let draws = UnsafeRawPointer(bits.baseAddress)?.assumingMemoryBound(to: UInt16.self)
      guard let draws else { return }
      let factor = factors.pointer + sample * length
      for i in 0..<length {
        // 1 where draw ≥ threshold: the sign of threshold − 1 − draw. A branch would be mispredicted half the time.
        let survives = (threshold &- 1 &- UInt32(draws[i])) >> 31
        factor[i] = Float(Int32(bitPattern: survives)) * survivorScale
      }
    }
    for i in 0..<pass.count * length {
      output[i] *= factors.pointer[i]
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let outputGradient = outputGradient.start
    guard pass.randomness != nil else { return }
    for i in 0..<pass.count * inputShape.count {
      outputGradient[i] *= factors.pointer[i]
    }
  }
}
