/// The shape of one sample's activations: height × width × channels (NHWC without the N).
public struct Shape: Hashable, Sendable, CustomStringConvertible {
  public var height: Int
  public var width: Int
  public var channels: Int

  public init(_ height: Int, _ width: Int, _ channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// The shape of `count` features without any spatial extent.
  public init(features count: Int) {
    self.init(1, 1, count)
  }

  /// The shape of MNIST's images.
  public static let mnist = Shape(28, 28, 1)

  /// The number of floats of one sample.
  public var count: Int { height * width * channels }

  public var description: String {
    height == 1 && width == 1 ? "\(channels)" : "\(height)×\(width)×\(channels)"
  }
}
