internal import Tensors

/// Handwriting-like digits drawn by Lockstep itself: any number of them, without a download.
///
/// A digit is drawn as strokes of a pen. Its class, writing style (a 7 with or without a bar, an open or
/// closed 4 …), the jitter of every control point, bending, slant, rotation, proportions, size, position, pen
/// width, pressure, softness and ink are random. As in MNIST the ink fits a box of about 20 × 20 pixels that
/// is put into 28 × 28 by its centre of mass.
///
/// A sample is a pure function of (seed, split, index), computed with correctly rounded operations only
/// (+, −, ×, ÷, √), so that its bits are the same on every machine.
package struct SyntheticDigits: Hashable, Sendable {
  /// What all of them have in common.
  package static let format = SampleFormat.mnist

  /// The seed of all samples.
  package let seed: UInt64

  /// Digits that depend on `seed` alone.
  package init(seed: UInt64) {
    self.seed = seed
  }

  /// Draws the samples `range` of one part; the parts share no sample.
  package func draw(_ split: Dataset.Split, _ range: Range<Int>) -> LabelledImages {
    precondition(range.lowerBound >= 0, "no samples \(range)")
    let pixels = Self.format.shape.pixelCount
    var labels = [UInt16](repeating: 0, count: range.count)
    let images = [UInt8](unsafeUninitializedCapacity: range.count * pixels) { images, count in
      var painter = DigitPainter()
      for (i, index) in range.enumerated() {
        let image = UnsafeMutableBufferPointer(rebasing: images[i * pixels..<(i + 1) * pixels])
        let splitNumber: UInt64 = split == .train ? 0 : 1
        let generator = CounterGenerator(
          seed: seed, for: .syntheticDigit, splitNumber, UInt64(index))
        labels[i] = painter.paint(generator, into: image)
      }
      count = range.count * pixels
    }
    return LabelledImages(images: images, labels: labels, shape: Self.format.shape)
  }
}
