internal import Tensors

/// Turns pixels into a network's input: (x / 255 − mean) / deviation, with mean 0.1307 and deviation 0.3081,
/// those of MNIST's training pixels; in training shifted by up to `shift` pixels, filled with background.
struct InputPreparation {
  private static let side = 28
  private static let mean: Float = 0.1307
  private static let deviation: Float = 0.3081

  let shift: Int
  let seed: UInt64

  /// Writes one image, [28, 28], as it is.
  func prepare(_ image: Span<UInt8>, into input: inout MutableSpan<Float>) {
    write(image, right: 0, down: 0, into: &input)
  }

  /// Writes one training image, shifted by what (seed, epoch, sample) says.
  func prepareForTraining(
    _ image: Span<UInt8>, sample: Int32, epoch: Int, into input: inout MutableSpan<Float>
  ) {
    guard shift > 0 else {
      write(image, right: 0, down: 0, into: &input)
      return
    }
    let generator = CounterGenerator(seed: seed, for: .shift, UInt64(epoch), UInt64(sample))
    write(
      image, right: generator.below(2 * shift + 1, at: 0) - shift,
      down: generator.below(2 * shift + 1, at: 1) - shift, into: &input)
  }

  private func write(
    _ image: Span<UInt8>, right: Int, down: Int, into input: inout MutableSpan<Float>
  ) {
    precondition(image.count == Self.side * Self.side && input.count == image.count, "\(image.count) pixels")
    image.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      write(base, right: right, down: down, into: input.start)
    }
  }

  private func write(
    _ image: UnsafePointer<UInt8>, right: Int, down: Int, into input: UnsafeMutablePointer<Float>
  ) {
    let side = Self.side
    let scale = 1 / (255 * Self.deviation)
    let offset = -Self.mean / Self.deviation
    let columns = max(right, 0)..<min(side + right, side)
    for y in 0..<side {
      let row = input + y * side
      let source = y - down
      guard source >= 0, source < side else {
        row.update(repeating: offset, count: side)
        continue
      }
      let pixels = image + source * side
      for x in columns {
        row[x] = Float(pixels[x - right]) * scale + offset
      }
      for x in 0..<columns.lowerBound {
        row[x] = offset
      }
      for x in columns.upperBound..<side {
        row[x] = offset
      }
    }
  }
}
