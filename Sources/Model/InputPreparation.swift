internal import Tensors

/// Turns pixels into a network's input: (x / 255 − mean) / deviation, with mean 0.1307 and deviation 0.3081,
/// those of MNIST's training pixels, whatever the images; in training shifted by up to `shift` pixels, filled with background.
package struct InputPreparation: Sendable {
  private static let mean: Float = 0.1307
  private static let deviation: Float = 0.3081
  /// What a pixel is multiplied by.
  package static let scale = 1 / (255 * deviation)
  /// What is added to that: the input where a pixel is 0.
  package static let offset = -mean / deviation
  /// The pixel that a network's input comes of, to the nearest.
  package static func pixel(_ input: Float) -> UInt8 {
    UInt8(min(max(((input - offset) / scale).rounded(), 0), 255))
  }

  /// The rows and columns of MNIST's images, and of most sets in its format.
  private static let commonSide = 28

  private let shift: Int
  private let seed: UInt64
  /// The images' shape, of one channel.
  private let shape: Shape

  /// Shifts of up to `shift` pixels in training, each a function of `seed`, the epoch and the sample, of images of `shape`.
  package init(shift: Int = 0, seed: UInt64 = 0, shape: Shape) {
    self.shift = shift
    self.seed = seed
    self.shape = shape
  }

  /// Writes one image, [height, width], as it is, or moved by whole pixels.
  package func prepare(
    _ image: Span<UInt8>, movedBy offset: PixelOffset = .zero, into input: inout MutableSpan<Float>
  ) {
    write(image, right: offset.right, down: offset.down, into: &input)
  }

  /// Writes one training image, shifted by what (seed, epoch, sample) says.
  package func prepareForTraining(
    _ image: Span<UInt8>, sample: Int32, epoch: Int, into input: inout MutableSpan<Float>
  ) {
    guard shift > 0 else {
      write(image, right: 0, down: 0, into: &input)
      return
    }
    let (right, down) = Self.shift(upTo: shift, seed: seed, sample: sample, epoch: epoch)
    write(image, right: right, down: down, into: &input)
  }

  /// The shift of a training image, in whole pixels.
  static func shift(upTo shift: Int, seed: UInt64, sample: Int32, epoch: Int) -> (right: Int, down: Int) {
    let generator = CounterGenerator(seed: seed, for: .shift, UInt64(epoch), UInt64(sample))
    return (generator.below(2 * shift + 1, at: 0) - shift, generator.below(2 * shift + 1, at: 1) - shift)
  }

  private func write(
    _ image: Span<UInt8>, right: Int, down: Int, into input: inout MutableSpan<Float>
  ) {
    precondition(image.count == shape.count && input.count == image.count, "\(image.count) pixels")
    image.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      // Rows whose length the compiler knows take less time.
      let side = Self.commonSide
      if shape.height == side, shape.width == side {
        Self.write(base, height: side, width: side, right: right, down: down, into: input.start)
      } else {
        Self.write(
          base, height: shape.height, width: shape.width, right: right, down: down, into: input.start)
      }
    }
  }

  @inline(__always)
  private static func write(
    _ image: UnsafePointer<UInt8>, height: Int, width: Int, right: Int, down: Int,
    into input: UnsafeMutablePointer<Float>
  ) {
    let (scale, offset) = (Self.scale, Self.offset)
    let first = min(max(right, 0), width)
    let columns = first..<max(min(width + right, width), first)
    for y in 0..<height {
      let row = input + y * width
      let source = y - down
      guard source >= 0, source < height else {
        row.update(repeating: offset, count: width)
        continue
      }
      let pixels = image + source * width
      Tensors.scale(
        pixels + (columns.lowerBound - right), by: scale, plus: offset, into: row + columns.lowerBound,
        count: columns.count)
      for x in 0..<columns.lowerBound {
        row[x] = offset
      }
      for x in columns.upperBound..<width {
        row[x] = offset
      }
    }
  }
}
