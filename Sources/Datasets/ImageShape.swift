/// Height and width of grey images, in pixels.
package struct ImageShape: Hashable, Sendable, CustomStringConvertible {
  /// The number of rows.
  package let height: Int
  /// The number of columns.
  package let width: Int

  /// The number of pixels, and of bytes, of an image.
  package var pixelCount: Int { height * width }

  /// As in `28 × 28`.
  package var description: String { "\(height) × \(width)" }

  /// The shape of MNIST's images, and of every dataset that Lockstep reads.
  package static let mnist = ImageShape(height: 28, width: 28)
}
