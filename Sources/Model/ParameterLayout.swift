public import Tensors

/// One named, shaped view into the flat parameter buffer.
public struct ParameterTensor: Hashable, Sendable {
  /// What a tensor is to its layer.
  public enum Role: String, Sendable {
    case weight
    case bias
  }

  /// `conv1.weight`, `dense2.bias`, …
  public let name: String
  public let role: Role
  /// [kernel height, kernel width, in, out] for a convolution's weight (HWIO), [in, out] for a dense one's,
  /// [out] for biases.
  public let shape: [Int]
  /// The first element's index in the flat buffer.
  public let offset: Int
  /// The standard deviation of the initial values; 0 for biases.
  public let initialDeviation: Float

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// The number of columns of the tensor seen as a matrix: its output features.
  public var columns: Int { shape.last ?? 1 }
  /// The number of rows of the tensor seen as a matrix: its fan-in.
  public var rows: Int { count / columns }
  /// The elements' indices in the flat buffer.
  public var range: Range<Int> { offset..<offset + count }
}

/// Where every parameter of a network lies in the one flat buffer.
///
/// Gradients, optimizer moments and averaged weights are buffers of the same layout.
public struct ParameterLayout: Hashable, Sendable {
  public let tensors: [ParameterTensor]

  /// The number of parameters.
  public var count: Int { tensors.last.map { $0.range.upperBound } ?? 0 }

  /// Fills `parameters` with initial values, each tensor a function of the seed and its place alone:
  /// weights normal with variance 2 / fan-in (He et al. 2015, §2.2), those of the last layer 1 / fan-in,
  /// biases zero.
  public func initialize(_ parameters: FloatBuffer, seed: UInt64) {
    for (index, tensor) in tensors.enumerated() {
      var all = parameters.mutableSpan
      var values = all._mutatingExtracting(tensor.range)
      if tensor.initialDeviation > 0 {
        CounterGenerator(seed: seed, for: .initialWeights, UInt64(index))
          .fillNormal(&values, standardDeviation: tensor.initialDeviation)
      } else {
        values.update(repeating: 0)
      }
    }
  }
}
