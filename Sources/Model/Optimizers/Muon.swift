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
  private let team: any Team
  private let tensors: [ParameterTensor]
  private let momentum: FloatBuffer
  private let others: AdamW
  private let orthogonalizers: [Orthogonalizer]
  /// The directions of all tensors, one behind the other, in common.
  private let direction: FloatBuffer
  /// Where each tensor's direction begins.
  private let starts: [Int]

  init(_ specification: MuonSpecification, layout: ParameterLayout, team: any Team) {
    self.specification = specification
    self.team = team
    let convolutions = layout.tensors.filter { $0.shape.count == 4 }
    let tensors = Array(convolutions.dropFirst())
    let ours = Set(tensors)
    self.tensors = tensors
    momentum = team.makeBuffer(count: layout.count)
    others = AdamW(
      specification.others, layout: layout, tensors: layout.tensors.filter { !ours.contains($0) }, team: team)
    orthogonalizers = tensors.map {
      Orthogonalizer(
        rows: $0.rows, columns: $0.columns, iterations: specification.iterations, team: team)
    }
    starts = tensors.indices.map { index in tensors[..<index].reduce(0) { $0 + $1.count } }
    direction = team.makeBuffer(count: tensors.reduce(0) { $0 + $1.count })
  }

  var moments: [(name: String, values: FloatBuffer)] {
    [("momentum", momentum)] + others.moments
  }

  var isElementwise: Bool { false }

  func update(
    _ parameters: FloatBuffer, gradient: Span<Float>, scale: Float, rate: Float, step: Int
  ) throws {
    for (tensor, start) in zip(tensors, starts) {
      computeDirection(of: tensor, gradient, scale: scale, into: direction.pointer + start)
    }
    // It fills the time until the others have their parts of the directions.
    others.update(parameters, gradient: gradient, scale: scale, rate: rate, step: step)
    try orthogonalize()
    let learningRate = specification.learningRate * rate
    let shrink = 1 - learningRate * specification.weightDecay
    for (tensor, orthogonalizer) in zip(tensors, orthogonalizers) {
      let d = orthogonalizer.finish().start
      let first = orthogonalizer.rowsOfResult.lowerBound * tensor.columns
      let w = parameters.pointer + tensor.offset + first
      for i in 0..<orthogonalizer.rowsOfResult.count * tensor.columns {
        w[i] = w[i] * shrink - learningRate * d[i]
      }
    }
  }

  /// Orthogonalises the directions, up to each member's rows of the results.
  private func orthogonalize() throws {
    guard let phaseCount = orthogonalizers.first?.phaseCount else { return }
    let (direction, isDivided) = (direction, Orthogonalizer.divides(team))
    for phase in 0..<phaseCount {
      // All need the whole directions, and then what each other computed.
      if phase == 0 || isDivided { try team.barrier() }
      guard isDivided || team.index == 0 else { continue }
      for (index, orthogonalizer) in orthogonalizers.enumerated() {
        let values = direction.span.extracting(starts[index]..<starts[index] + tensors[index].count)
        orthogonalizer.run(phase: phase, of: values)
      }
    }
    if isDivided { try team.barrier() }
  }

  /// This member's part of the momentum and of the direction that a tensor goes in.
  private func computeDirection(
    of tensor: ParameterTensor, _ gradient: Span<Float>, scale: Float, into d: UnsafeMutablePointer<Float>
  ) {
    let g = gradient.start + tensor.offset
    let v = momentum.pointer + tensor.offset
    let mu = specification.momentum
    let (ahead, now): (Float, Float) = specification.nesterov ? (mu, 1) : (1, 0)
    for i in team.part(of: 0..<tensor.count, unit: 16) {
      let slope = g[i] * scale
      v[i] = mu * v[i] + slope
      d[i] = now * slope + ahead * v[i]
    }
  }
}
