import Foundation
import Model
import Tensors
import Testing

/// Backward passes against central differences of the forward pass: for each parameter tensor T, along its own
/// gradient and along random directions v, (L(p + h·v) − L(p − h·v)) / 2h must be ⟨∂L/∂T, v⟩.
@Suite struct GradientTests {
  static let networks = [
    "dense 10",
    "dense 24; relu; dense 10",
    "conv 4x3; dense 10",
    "conv 4x3 stride 2; conv 5x3; dense 10",
    "conv 3x5 stride 2 same; relu; conv 8x3 stride 2 same; relu; dense 10",
    "conv 8x3 same; relu; conv 9x5 same; relu; average; dense 10",
    "conv 8x3; maxpool 2; relu; conv 16x3; relu; maxpool 2; dense 10",
    "conv 5x3; maxpool 2; conv 6x3; maxpool 3 stride 2; dense 10",
    "conv 4x5 stride 2; relu; maxpool 2 stride 1; conv 4x3; dense 10",
    "maxpool 2; conv 4x3; relu; dropout 0.3; dense 20; relu; dropout 0.5; dense 10",
    "conv 24x3; relu; conv 32x3 same; relu; conv 24x3; maxpool 2; relu; dense 10",
    "conv 24x3 stride 2; relu; conv 24x3; dense 10",
    "conv 16x5 stride 2; relu; conv 16x3; maxpool 2; relu; conv 24x3; relu; dense 10",
    "conv 16x5 stride 4; relu; conv 24x3 same; relu; conv 16x3; dense 10",
    "conv 8x3 same; relu; avgpool 2; conv 9x3; avgpool 3 stride 2; dense 10",
    "conv 12x3; avgpool 2 stride 3; channel-dropout 0.3; conv 5x3; relu; channel-dropout 0.4; average; dense 10",
    "dropout 0.2; relu; conv 8x5 stride 2; relu; relu; dense 10",
  ]

  @Test(arguments: networks, [Float(0), 0.1])
  func gradientsMatchCentralDifferences(_ text: String, _ smoothing: Float) throws {
    try check(text, Network(NetworkSpecification(text), capacity: 4), smoothing)
  }

  /// Images that are not square, whose sides no stride, window or tile divides, and other numbers of classes.
  @Test(arguments: [
    (13, 30, "conv 5x3; maxpool 2; conv 6x3; maxpool 3 stride 2; dense 10"),
    (30, 13, "conv 3x5 stride 2 same; relu; conv 8x3 stride 2 same; relu; dense 11"),
    (11, 27, "conv 24x3; relu; conv 32x3 same; relu; conv 24x3; maxpool 2; relu; dense 47"),
    (7, 18, "conv 8x3 same; relu; conv 9x5 same; relu; average; dense 300"),
    (11, 27, "conv 9x3; relu; channel-dropout 0.3; avgpool 3 stride 2; conv 8x3 same; avgpool 2; dense 12"),
    (1, 40, "dropout 0.2; dense 20; relu; dense 12"),
    (9, 15, "conv 16x3 stride 2 same; relu; conv 24x3; relu; conv 16x3 same; relu; dense 12"),
  ])
  func gradientsMatchForOtherImages(_ height: Int, _ width: Int, _ text: String) throws {
    let network = try Network(NetworkSpecification(text), input: Shape(height, width, 1), capacity: 4)
    try check(text, network, 0.1)
  }

  private func check(_ text: String, _ network: Network, _ smoothing: Float) throws {
    let count = 3
    let probe = Probe(network: network, count: count, smoothing: smoothing)
    let gradient = FloatBuffer(count: network.layout.count)
    // Leaves are overwritten, never added to.
    for i in 0..<gradient.count { gradient.pointer[i] = .nan }
    probe.backward(into: gradient)

    for (index, tensor) in network.layout.tensors.enumerated() {
      let g = Array(gradient.elements[tensor.range])
      let norm = g.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(norm > 1e-3 && norm.isFinite, "\(tensor.name) has a gradient")
      let directions = [g.map { $0 / Float(norm) }] + (0..<2).map { probe.direction($0, index, tensor.count) }
      for v in directions {
        let expected = zip(g, v).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let measured = probe.derivative(of: tensor, along: v)
        #expect(abs(measured - expected) < 0.01 * norm + 4e-3, "\(tensor.name) of '\(text)'")
      }
    }
  }

  /// A network with fixed inputs, labels and dropout.
  private final class Probe {
    let network: Network
    let parameters: FloatBuffer
    let count: Int
    let crossEntropy: SoftmaxCrossEntropy
    var labels: [UInt16] = [7, 0, 9]
    var samples: [Int32] = [11, 5, 123]
    let images: [Float]

    init(network: Network, count: Int, smoothing: Float) {
      self.network = network
      self.count = count
      parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialize(parameters, seed: 3)
      // Biases away from zero, so that their path is seen too.
      for tensor in network.layout.tensors where tensor.role == .bias {
        for i in tensor.range {
          parameters.pointer[i] =
            Float(CounterGenerator(seed: 4, for: .test).uniform(at: UInt64(i))) * 0.2 - 0.1
        }
      }
      crossEntropy = SoftmaxCrossEntropy(classCount: network.classCount, labelSmoothing: smoothing)
      let generator = CounterGenerator(seed: 2, for: .test)
      images = (0..<count * network.inputShape.count).map { Float(generator.uniform(at: UInt64($0)) * 2 - 1) }
    }

    private var randomness: Randomness { Randomness(seed: 1, epoch: 2, samples: samples) }

    private func forward() {
      for (i, value) in images.enumerated() { network.input.pointer[i] = value }
      network.prepare(parameters)
      network.forward(count: count, randomness: randomness)
    }

    /// The loss in Double, so that the differences are not drowned in the sum's rounding.
    func loss() -> Double {
      forward()
      let network = network
      let logits = network.logits
      let classes = network.classCount
      var sum = 0.0
      for sample in 0..<count {
        var z: [Double] = []
        for index in 0..<classes { z.append(Double(logits[sample * classes + index])) }
        let maximum = z.max() ?? 0
        let logSum = maximum + log(z.reduce(0) { $0 + exp($1 - maximum) })
        let e = Double(crossEntropy.labelSmoothing)
        sum += logSum - (1 - e) * z[Int(labels[sample])] - e * z.reduce(0, +) / Double(classes)
      }
      return sum
    }

    func backward(into gradient: FloatBuffer) {
      forward()
      let (network, labels) = (network, labels)
      var logitGradient = network.logitGradient
      _ = crossEntropy.evaluate(logits: network.logits, labels: labels.span, gradient: &logitGradient)
      var span = gradient.mutableSpan
      network.backward(count: count, randomness: randomness, gradient: &span)
    }

    func direction(_ number: Int, _ tensor: Int, _ count: Int) -> [Float] {
      var v = [Float](repeating: 0, count: count)
      var span = v.mutableSpan
      CounterGenerator(seed: 8, for: .test, UInt64(number), UInt64(tensor))
        .fillNormal(&span, standardDeviation: 1 / Float(count).squareRoot())
      return v
    }

    func derivative(of tensor: ParameterTensor, along v: [Float]) -> Double {
      let h: Float = 1e-3
      let kept = Array(parameters.elements[tensor.range])
      func loss(at step: Float) -> Double {
        for (i, value) in kept.enumerated() { parameters.pointer[tensor.offset + i] = value + step * v[i] }
        return self.loss()
      }
      let difference = loss(at: h) - loss(at: -h)
      for (i, value) in kept.enumerated() { parameters.pointer[tensor.offset + i] = value }
      return difference / Double(2 * h)
    }
  }
}
