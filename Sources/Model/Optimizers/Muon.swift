internal import Tensors

/// Settings of Muon.
package struct MuonSpecification: Hashable, Sendable, Codable {
  package var learningRate: Float = 0.02
  package var momentum: Float = 0.9
  package var nesterov = true
  /// Decoupled decay: each step shrinks the weights by learning rate · decay.
  package var weightDecay: Float = 0.01
  /// Newton–Schulz steps.
  package var iterations = 5
  /// The optimizer of all other tensors: the first convolution, dense layers, biases.
  package var others: AdamWSpecification = {
    var others = AdamWSpecification()
    others.weightDecay = 0
    return others
  }()

  package init() {}
}

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): momentum whose
/// matrices are orthogonalised, for the weights of all convolutions but the first; AdamW for the rest.
///
/// A weight [k, k, in, out] is seen as the matrix [k·k·in, out], the transpose of the paper's; orthogonalising
/// commutes with that. No scaling by shape.
final class Muon: Optimizer {
  private let specification: MuonSpecification
  private let tensors: [ParameterTensor]
  private let momentum: FloatBuffer
  private let others: AdamW
  private let orthogonalizers: [Orthogonalizer]
  /// The direction of one tensor, then orthogonalised in place; as large as the largest.
  private let direction: FloatBuffer

  init(_ specification: MuonSpecification, layout: ParameterLayout) {
    self.specification = specification
    let convolutions = layout.tensors.filter { $0.shape.count == 4 }
    tensors = Array(convolutions.dropFirst())
    let ours = Set(tensors)
    momentum = FloatBuffer(count: layout.count)
    others = AdamW(
      specification.others, layout: layout, tensors: layout.tensors.filter { !ours.contains($0) })
    orthogonalizers = tensors.map {
      Orthogonalizer(rows: $0.rows, columns: $0.columns, iterations: specification.iterations)
    }
    direction = FloatBuffer(count: tensors.map(\.count).max() ?? 0)
  }

  var moments: [(name: String, values: FloatBuffer)] {
    [("momentum", momentum)] + others.moments
  }

  func update(
    _ parameters: FloatBuffer, gradient: Span<Float>, scale: Float, rate: Float, step: Int
  ) {
    let learningRate = specification.learningRate * rate
    let shrink = 1 - learningRate * specification.weightDecay
    let mu = specification.momentum
    let direction = direction
    for (tensor, orthogonalizer) in zip(tensors, orthogonalizers) {
      let w = parameters.pointer + tensor.offset
      let g = gradient.start + tensor.offset
      let v = momentum.pointer + tensor.offset
      let d = direction.pointer
      let (ahead, now): (Float, Float) = specification.nesterov ? (mu, 1) : (1, 0)
      for i in 0..<tensor.count {
        let slope = g[i] * scale
        v[i] = mu * v[i] + slope
        d[i] = now * slope + ahead * v[i]
      }
      var matrix = direction.mutableSpan
      orthogonalizer.orthogonalize(&matrix)
      for i in 0..<tensor.count {
        w[i] = w[i] * shrink - learningRate * d[i]
      }
    }
    others.update(parameters, gradient: gradient, scale: scale, rate: rate, step: step)
  }
}
