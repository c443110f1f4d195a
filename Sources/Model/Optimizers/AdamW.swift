internal import Tensors

/// Settings of AdamW.
package struct AdamWSpecification: Hashable, Sendable, Codable {
  package var learningRate: Float = 0.003
  /// The decay of the first moment.
  package var beta1: Float = 0.9
  /// The decay of the second moment.
  package var beta2: Float = 0.99
  package var epsilon: Float = 1e-8
  /// Decoupled decay of weights, not of biases: each step shrinks them by learning rate · decay.
  package var weightDecay: Float = 0.01

  package init() {}
}

/// Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2), in PyTorch's form.
final class AdamW: Optimizer {
  private let specification: AdamWSpecification
  /// This member's parts of the tensors: the elements, and whether they are weights.
  private let parts: [(elements: Range<Int>, isWeight: Bool)]
  private let first: FloatBuffer
  private let second: FloatBuffer

  convenience init(_ specification: AdamWSpecification, layout: ParameterLayout, team: any Team) {
    self.init(specification, layout: layout, tensors: layout.tensors, team: team)
  }

  /// Updates only `tensors`, for an optimizer that treats the others itself.
  init(
    _ specification: AdamWSpecification, layout: ParameterLayout, tensors: [ParameterTensor], team: any Team
  ) {
    self.specification = specification
    parts = team.parts(of: tensors)
    first = team.makeBuffer(count: layout.count)
    second = team.makeBuffer(count: layout.count)
  }

  var moments: [(name: String, values: FloatBuffer)] {
    [("first", first), ("second", second)]
  }

  var isElementwise: Bool { true }

  func update(
    _ parameters: FloatBuffer, gradient: Span<Float>, scale: Float, rate: Float, step: Int
  ) {
    let (beta1, beta2, epsilon) = (specification.beta1, specification.beta2, specification.epsilon)
    let learningRate = specification.learningRate * rate
    let stepSize = learningRate / Float(1 - power(Double(beta1), step + 1))
    let secondScale = 1 / Float((1 - power(Double(beta2), step + 1)).squareRoot())
    for part in parts {
      let offset = part.elements.lowerBound
      let w = parameters.pointer + offset
      let g = gradient.start + offset
      let m = first.pointer + offset
      let v = second.pointer + offset
      let shrink = part.isWeight ? 1 - learningRate * specification.weightDecay : 1
      let count = part.elements.count
      // By hand: the compiler leaves square roots and divisions scalar, at three times the cost.
      var i = 0
      while i &+ 8 <= count {
        let slope = g.vector(at: i) * scale
        let mean = beta1 * m.vector(at: i) + (1 - beta1) * slope
        let square = beta2 * v.vector(at: i) + (1 - beta2) * (slope * slope)
        m.store(mean, at: i)
        v.store(square, at: i)
        let change = stepSize * mean / (squareRoots(square) * secondScale + epsilon)
        w.store(w.vector(at: i) * shrink - change, at: i)
        i &+= 8
      }
      for i in i..<count {
        let slope = g[i] * scale
        m[i] = beta1 * m[i] + (1 - beta1) * slope
        v[i] = beta2 * v[i] + (1 - beta2) * (slope * slope)
        w[i] = w[i] * shrink - stepSize * m[i] / (v[i].squareRoot() * secondScale + epsilon)
      }
    }
  }

  /// base^exponent by repeated squaring: the same bits on every machine, unlike the C library's `pow`.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}
