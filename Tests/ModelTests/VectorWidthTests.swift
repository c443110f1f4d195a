import Model
import Tensors
import Testing

/// No kernel's bits depend on how many elements it takes at a time: an element that a loop takes in a vector and the
/// same one behind the last whole vector, taken by itself, end in the same bits. So a build for wider vectors, or
/// another compiler, cannot make another model.
@Suite struct VectorWidthTests {
  /// So many elements that the last few are behind the last vector of 16 and of 8.
  private static let count = 16 + 8 + 7

  /// Numbers of which those behind the last vector repeat the first.
  private func numbers(_ salt: UInt64, positive: Bool = false) -> [Float] {
    let generator = CounterGenerator(seed: salt, for: .test)
    return (0..<Self.count).map { index in
      let value = Float(2 * generator.uniform(at: UInt64(index % 24)) - 1)
      return positive ? value.magnitude : value
    }
  }

  private func expectRepetition(_ values: [Float], _ what: String) {
    for index in 24..<Self.count {
      #expect(values[index].bitPattern == values[index - 24].bitPattern, "\(what), element \(index)")
    }
  }

  @Test(arguments: ["sgd", "adamw"]) func optimizersTakeEachElementAlike(_ name: String) throws {
    // Dense layers of one input: the weights and the biases are tensors of 31 elements each.
    let network = try Network(
      NetworkSpecification("dense \(Self.count)"), input: Shape(features: 1),
      capacity: 1)
    let parameters = FloatBuffer(numbers(1) + numbers(2))
    let optimizer = try #require(OptimizerSpecification(name: name)).makeOptimizer(for: network.layout)
    for step in 0..<5 {
      let gradient = FloatBuffer(numbers(UInt64(10 + step)) + numbers(UInt64(20 + step)))
      try optimizer.update(parameters, gradient: gradient.span, scale: 0.3, rate: 0.7, step: step)
    }
    let values = Array(parameters.elements)
    expectRepetition(Array(values[..<Self.count]), name)
    expectRepetition(Array(values[Self.count...]), name)
  }

  /// Bias, ReLU and a dense product with one column for each channel.
  @Test func channelsAreAlike() throws {
    let network = try Network(
      NetworkSpecification("dense \(Self.count); relu; dense \(Self.count)"), input: Shape(features: 1),
      capacity: 1)
    let parameters = FloatBuffer(count: network.layout.count)
    var place = 0
    for tensor in network.layout.tensors {
      for row in 0..<tensor.rows {
        for value in numbers(UInt64(tensor.rows > 1 ? row % 24 : 100 + tensor.offset)) {
          parameters.pointer[place] = value
          place += 1
        }
      }
    }
    network.prepare(parameters)
    network.input.pointer[0] = 0.37
    network.forward(count: 1)
    var logits: [Float] = []
    let span = network.logits
    for index in span.indices { logits.append(span[index]) }
    expectRepetition(logits, "logits")
  }

  @Test func sumsAndRootsAreAlike() {
    let (a, b) = (FloatBuffer(numbers(3)), FloatBuffer(numbers(4)))
    Tensors.add(b.pointer, to: a.pointer, count: Self.count)
    expectRepetition(Array(a.elements), "sum")
    let roots = numbers(5, positive: true)
    let vector = squareRoots(roots.withUnsafeBufferPointer { Vector($0[..<8]) })
    for lane in 0..<8 { #expect(vector[lane].bitPattern == roots[lane].squareRoot().bitPattern) }
  }

  /// The one sum over lanes has their number and order written down: eight, then in pairs, then the tail.
  @Test func sumsOfSquaresFollowTheirDefinition() {
    for count in [0, 1, 7, 8, 9, 31, 1000] {
      let generator = CounterGenerator(seed: 6, for: .test)
      let values = (0..<count).map { Float(generator.uniform(at: UInt64($0)) - 0.5) }
      var lanes = [Double](repeating: 0, count: 8)
      let whole = count / 8 * 8
      for index in 0..<whole { lanes[index % 8] += Double(values[index]) * Double(values[index]) }
      for width in [4, 2, 1] { for lane in 0..<width { lanes[lane] += lanes[lane + width] } }
      var sum = lanes[0]
      for index in whole..<count { sum += Double(values[index]) * Double(values[index]) }
      #expect(sumOfSquares(values.span).bitPattern == sum.bitPattern, "\(count) elements")
    }
  }
}
