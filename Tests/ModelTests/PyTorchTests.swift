import Model
import Tensors
import Testing

/// Layers, loss and optimizers against values from PyTorch.
@Suite struct PyTorchTests {
  @Test func networksAgree() throws {
    for fixture in try Fixtures.load("networks", as: [Fixtures.NetworkCase].self) {
      let network = try Network(NetworkSpecification(fixture.network), capacity: fixture.count)
      let parameters = FloatBuffer(count: network.layout.count)
      for (index, tensor) in network.layout.tensors.enumerated() {
        let scale = (3 / Double(max(tensor.rows, 4))).squareRoot()
        for (i, value) in Fixtures.pseudo(tensor.count, salt: index).enumerated() {
          parameters.pointer[tensor.offset + i] = Float(Double(value) * scale)
        }
      }
      for (i, value) in Fixtures.pseudo(fixture.count * 784, salt: 1000).enumerated() {
        network.input.pointer[i] = value * 2
      }
      network.prepare(parameters)
      network.forward(count: fixture.count)
      let logits = network.logits
      for (index, expected) in fixture.logits.enumerated() {
        #expect(abs(Double(logits[index]) - expected) < 2e-5, "logit \(index) of '\(fixture.network)'")
      }
      let labels = (0..<fixture.count).map { UInt16((7 * $0 + 3) % 10) }
      var logitGradient = network.logitGradient
      let sum = SoftmaxCrossEntropy(classCount: 10, labelSmoothing: fixture.labelSmoothing).evaluate(
        logits: logits, labels: labels.span, gradient: &logitGradient)
      #expect(abs(Double(sum.loss) - fixture.loss) < 1e-5 * fixture.loss, "loss of '\(fixture.network)'")
      let gradient = FloatBuffer(count: network.layout.count)
      var span = gradient.mutableSpan
      network.backward(count: fixture.count, gradient: &span)
      try #require(network.layout.tensors.count == fixture.gradients.count)
      for (tensor, summary) in zip(network.layout.tensors, fixture.gradients) {
        Fixtures.expect(
          gradient.elements[tensor.range], summary, within: 5e-5, "\(tensor.name) of '\(fixture.network)'")
      }
    }
  }

  private static let optimizers: [(name: String, specification: OptimizerSpecification)] = {
    func sgd(_ momentum: Float, nesterov: Bool, decay: Float) -> OptimizerSpecification {
      var sgd = SGDSpecification()
      (sgd.learningRate, sgd.momentum, sgd.nesterov, sgd.weightDecay) = (0.1, momentum, nesterov, decay)
      return .sgd(sgd)
    }
    return [
      ("sgd", sgd(0, nesterov: false, decay: 0)), ("momentum", sgd(0.9, nesterov: false, decay: 5e-4)),
      ("nesterov", sgd(0.9, nesterov: true, decay: 5e-4)), ("adamw", .adamW(AdamWSpecification())),
      ("muon", .muon(MuonSpecification())),
    ]
  }()

  private func layout() throws -> ParameterLayout {
    try Network(NetworkSpecification("conv 4x3; conv 6x3 stride 2; dense 10"), capacity: 1).layout
  }

  private func gradient(_ layout: ParameterLayout, step: Int, scale: Float = 1) -> FloatBuffer {
    let gradient = FloatBuffer(count: layout.count)
    for (index, tensor) in layout.tensors.enumerated() {
      for (i, value) in Fixtures.pseudo(tensor.count, salt: 100 * (step + 1) + index).enumerated() {
        gradient.pointer[tensor.offset + i] = value * scale
      }
    }
    return gradient
  }

  @Test func optimizersAgree() throws {
    let layout = try layout()
    let fixtures = try Fixtures.load("optimizers", as: [Fixtures.OptimizerCase].self)
    try #require(fixtures.map(\.name) == Self.optimizers.map(\.name))
    for (fixture, (name, specification)) in zip(fixtures, Self.optimizers) {
      let parameters = FloatBuffer(count: layout.count)
      for (index, tensor) in layout.tensors.enumerated() {
        for (i, value) in Fixtures.pseudo(tensor.count, salt: index).enumerated() {
          parameters.pointer[tensor.offset + i] = value
        }
      }
      let optimizer = specification.makeOptimizer(for: layout)
      for step in 0..<6 {
        // The gradient comes as a sum over the batch, here of four times the mean.
        let sum = gradient(layout, step: step, scale: 4)
        try optimizer.update(parameters, gradient: sum.span, scale: 0.25, rate: 1, step: step)
      }
      for (tensor, summary) in zip(layout.tensors, fixture.parameters) {
        Fixtures.expect(
          parameters.elements[tensor.range], summary, within: 2e-5, "\(tensor.name) after \(name)")
      }
    }
  }

  @Test func clippingAgrees() throws {
    let layout = try layout()
    let fixture = try Fixtures.load("clipping", as: Fixtures.ClippingCase.self)
    let gradient = gradient(layout, step: 0)
    let factor = clippingFactor(gradient.span, scale: fixture.scale, limit: fixture.limit)
    for (tensor, summary) in zip(layout.tensors, fixture.clipped) {
      Fixtures.expect(
        gradient.elements[tensor.range].map { $0 * fixture.scale * factor }, summary, within: 1e-5,
        tensor.name)
    }
    #expect(clippingFactor(gradient.span, scale: 1e-6, limit: 1) == 1)
  }

  @Test func orthogonalizationAgrees() throws {
    for fixture in try Fixtures.load("orthogonalization", as: [Fixtures.MatrixCase].self) {
      var matrix = Fixtures.pseudo(fixture.rows * fixture.columns, salt: fixture.rows)
      var span = matrix.mutableSpan
      Orthogonalizer(rows: fixture.rows, columns: fixture.columns, iterations: 5).orthogonalize(&span)
      Fixtures.expect(
        matrix, fixture.orthogonal, within: 2e-4, "\(fixture.rows) × \(fixture.columns)")
    }
  }
}
