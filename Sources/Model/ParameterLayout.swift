package import Tensors

/// One named, shaped view into the flat parameter buffer.
package struct ParameterTensor: Hashable, Sendable {
  /// What a tensor is to its layer.
  package enum Role: String, Sendable {
    case weight
    case bias
  }

  /// `conv1.weight`, `dense2.bias`, …
  package let name: String
  package let role: Role
  /// [kernel height, kernel width, in, out] for a convolution's weight (HWIO), [in, out] for a dense one's,
  /// [out] for biases.
  package let shape: [Int]
  /// The first element's index in the flat buffer.
  package let offset: Int
  /// The standard deviation of the initial values; 0 for biases.
  package let initialDeviation: Float

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }
  /// The number of columns of the tensor seen as a matrix: its output features.
  package var columns: Int { shape.last ?? 1 }
  /// The number of rows of the tensor seen as a matrix: its fan-in.
  package var rows: Int { count / columns }
  /// The elements' indices in the flat buffer.
  package var range: Range<Int> { offset..<offset + count }
}

/// Where every parameter of a network lies in the one flat buffer.
///
/// Gradients, optimizer moments and averaged weights are buffers of the same layout.
package struct ParameterLayout: Hashable, Sendable {
  package let tensors: [ParameterTensor]

  /// The number of parameters.
  package var count: Int { tensors.last.map { $0.range.upperBound } ?? 0 }

  /// Fills `parameters` with initial values, each tensor a function of the seed and its place alone:
  /// weights normal with variance 2 / fan-in (He et al. 2015, §2.2), those of the last layer 1 / fan-in,
  /// biases zero. Deviations are multiplied by `scale`.
  package func initialize(_ parameters: FloatBuffer, seed: UInt64, scale: Float = 1) {
    for (index, tensor) in tensors.enumerated() {
      var all = parameters.mutableSpan
      var values = all._mutatingExtracting(tensor.range)
      if tensor.initialDeviation > 0 {
        CounterGenerator(seed: seed, for: .initialWeights, UInt64(index))
          .fillNormal(&values, standardDeviation: scale * tensor.initialDeviation)
      } else {
        values.update(repeating: 0)
      }
    }
  }
}
