/// The shape of one sample's activations: height × width × channels (NHWC without the N).
package struct Shape: Hashable, Sendable, CustomStringConvertible {
  package var height: Int
  package var width: Int
  package var channels: Int

  package init(_ height: Int, _ width: Int, _ channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// The shape of `count` features without any spatial extent.
  package init(features count: Int) {
    self.init(1, 1, count)
  }

  /// The shape of MNIST's images.
  package static let mnist = Shape(28, 28, 1)

  /// The number of floats of one sample.
  package var count: Int { height * width * channels }

  package var description: String {
    height == 1 && width == 1 ? "\(channels)" : "\(height)×\(width)×\(channels)"
  }
}
