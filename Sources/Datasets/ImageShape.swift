/// Height and width of grey images, in pixels.
public struct ImageShape: Hashable, Sendable, CustomStringConvertible {
  /// The number of rows.
  public let height: Int
  /// The number of columns.
  public let width: Int

  /// The number of pixels, and of bytes, of an image.
  public var pixelCount: Int { height * width }

  /// As in `28 × 28`.
  public var description: String { "\(height) × \(width)" }

  /// The shape of MNIST's images, and of every dataset that Lockstep reads.
  public static let mnist = ImageShape(height: 28, width: 28)
}
