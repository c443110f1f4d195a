/// How a convolution treats the border of its input.
package enum Padding: String, Sendable {
  /// No padding: out = ⌊(in − k) / stride⌋ + 1.
  case valid
  /// Zeros, so that out = ⌈in / stride⌉; an odd number of them puts the larger half behind (as TensorFlow).
  case same
}

/// One layer of a network, as written in a specification.
package enum LayerSpecification: Hashable, Sendable {
  /// `conv CHANNELSxKERNEL [stride S] [same|valid]`: cross-correlation plus bias, square odd kernel.
  case convolution(channels: Int, kernel: Int, stride: Int, padding: Padding)
  /// `maxpool SIZE [stride S]`: maximum over square windows; rows and columns that fill no window are dropped.
  case maxPooling(size: Int, stride: Int)
  /// `avgpool SIZE [stride S]`: mean of square windows, in the places of `maxpool`'s.
  case averagePooling(size: Int, stride: Int)
  /// `relu`: max(x, 0).
  case relu
  /// `dropout P`: in training, zeroes each value with probability P and divides the others by 1 − P.
  case dropout(probability: Float)
  /// `channel-dropout P`: the same for whole channels, each zeroed at all positions or at none.
  case channelDropout(probability: Float)
  /// `average`: the mean over height and width.
  case globalAverage
  /// `dense N`: y = x·W + b over the flattened input (height, width, channels).
  case dense(features: Int)

  /// The words of all kinds of layers, in the order in which messages name them.
  package static let keywords = [
    "conv", "maxpool", "avgpool", "relu", "dropout", "channel-dropout", "average", "dense",
  ]

  /// The word that a specification uses for this kind of layer.
  package var keyword: String {
    switch self {
    case .convolution: "conv"
    case .maxPooling: "maxpool"
    case .averagePooling: "avgpool"
    case .relu: "relu"
    case .dropout: "dropout"
    case .channelDropout: "channel-dropout"
    case .globalAverage: "average"
    case .dense: "dense"
    }
  }

  /// The shape this layer makes of `input`, nil where the input is too small for it.
  package func outputShape(for input: Shape) -> Shape? {
    switch self {
    case .convolution(let channels, let kernel, let stride, let padding):
      switch padding {
      case .same:
        return Shape((input.height + stride - 1) / stride, (input.width + stride - 1) / stride, channels)
      case .valid:
        guard input.height >= kernel, input.width >= kernel else { return nil }
        return Shape((input.height - kernel) / stride + 1, (input.width - kernel) / stride + 1, channels)
      }
    case .maxPooling(let size, let stride), .averagePooling(let size, let stride):
      guard input.height >= size, input.width >= size else { return nil }
      return Shape(
        (input.height - size) / stride + 1, (input.width - size) / stride + 1, input.channels)
    case .relu, .dropout, .channelDropout: return input
    case .globalAverage: return Shape(features: input.channels)
    case .dense(let features): return Shape(features: features)
    }
  }

  /// The number of weights and biases for `input`.
  package func parameterCount(for input: Shape) -> Int {
    switch self {
    case .convolution(let channels, let kernel, _, _): (kernel * kernel * input.channels + 1) * channels
    case .dense(let features): (input.count + 1) * features
    default: 0
    }
  }

  /// Floating-point operations of one sample's forward pass; a multiply-add counts as two.
  package func forwardFLOPs(for input: Shape) -> Int {
    guard let output = outputShape(for: input) else { return 0 }
    switch self {
    case .convolution(_, let kernel, _, _):
      return 2 * kernel * kernel * input.channels * output.count + output.count
    case .maxPooling(let size, _): return (size * size - 1) * output.count
    case .averagePooling(let size, _): return size * size * output.count
    case .relu, .dropout, .channelDropout: return output.count
    case .globalAverage: return input.count
    case .dense: return 2 * input.count * output.count + output.count
    }
  }
}

extension LayerSpecification: CustomStringConvertible {
  /// The canonical text, which parses back to the same layer; defaults are left out.
  package var description: String {
    switch self {
    case .convolution(let channels, let kernel, let stride, let padding):
      "conv \(channels)x\(kernel)" + (stride == 1 ? "" : " stride \(stride)")
        + (padding == .same ? " same" : "")
    case .maxPooling(let size, let stride): "maxpool \(size)" + (stride == size ? "" : " stride \(stride)")
    case .averagePooling(let size, let stride):
      "avgpool \(size)" + (stride == size ? "" : " stride \(stride)")
    case .relu: "relu"
    case .dropout(let probability): "dropout \(probability)"
    case .channelDropout(let probability): "channel-dropout \(probability)"
    case .globalAverage: "average"
    case .dense(let features): "dense \(features)"
    }
  }
}
