internal import Tensors

/// Settings of stochastic gradient descent.
package struct SGDSpecification: Hashable, Sendable, Codable {
  package var learningRate: Float = 0.01
  /// 0 for none.
  package var momentum: Float = 0
  /// Whether the momentum looks ahead (Nesterov 1983; in Sutskever et al.'s form, 2013).
  package var nesterov = false
  /// Added to the gradient of weights, not of biases, as a multiple of the weight (L2 regularisation).
  package var weightDecay: Float = 0

  package init() {}
}

/// Stochastic gradient descent with momentum, in PyTorch's form: v ← μ·v + g; w ← w − η·v, or with Nesterov
/// w ← w − η·(g + μ·v).
final class SGD: Optimizer {
  private let specification: SGDSpecification
  /// This member's parts of the tensors: the elements, and whether they are weights.
  private let parts: [(elements: Range<Int>, isWeight: Bool)]
  private let momentum: FloatBuffer?

  init(_ specification: SGDSpecification, layout: ParameterLayout, team: any Team) {
    self.specification = specification
    parts = team.parts(of: layout.tensors)
    momentum = specification.momentum == 0 ? nil : team.makeBuffer(count: layout.count)
  }

  var moments: [(name: String, values: FloatBuffer)] {
    momentum.map { [("momentum", $0)] } ?? []
  }

  var isElementwise: Bool { true }

  func update(
    _ parameters: FloatBuffer, gradient: Span<Float>, scale: Float, rate: Float, step: Int
  ) {
    let learningRate = specification.learningRate * rate
    let mu = specification.momentum
    for part in parts {
      let (offset, count) = (part.elements.lowerBound, part.elements.count)
      let w = parameters.pointer + offset
      let g = gradient.start + offset
      let decay = part.isWeight ? specification.weightDecay : 0
      guard let momentum else {
        for i in 0..<count {
          w[i] -= learningRate * (g[i] * scale + decay * w[i])
        }
        continue
      }
      let v = momentum.pointer + offset
      let (ahead, now): (Float, Float) = specification.nesterov ? (mu, 1) : (1, 0)
      for i in 0..<count {
        let direction = g[i] * scale + decay * w[i]
        v[i] = mu * v[i] + direction
        w[i] -= learningRate * (now * direction + ahead * v[i])
      }
    }
  }
}
