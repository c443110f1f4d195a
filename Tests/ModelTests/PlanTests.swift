import Model
import Tensors
import Testing

@Suite struct PlanTests {
  /// The plan moves pooling before bias and ReLU; the result must not change by a bit.
  @Test func poolingCommutesWithBiasAndReLU() throws {
    let written = try Network(NetworkSpecification("conv 9x3; relu; maxpool 2; dense 10"), capacity: 2)
    let swapped = try Network(NetworkSpecification("conv 9x3; maxpool 2; relu; dense 10"), capacity: 2)
    let parameters = FloatBuffer(count: written.layout.count)
    written.layout.initialize(parameters, seed: 1)
    for i in 0..<2 * 784 {
      let value = Float(CounterGenerator(seed: 1, for: .test).uniform(at: UInt64(i)))
      written.input.pointer[i] = value
      swapped.input.pointer[i] = value
    }
    written.prepare(parameters)
    swapped.prepare(parameters)
    written.forward(count: 2)
    swapped.forward(count: 2)
    let (a, b) = (written.logits, swapped.logits)
    for index in 0..<20 { #expect(a[index] == b[index]) }
  }

  /// Dropout does nothing in inference, zeroes the right share in training, and depends on sample and epoch.
  @Test func dropoutIsAFunctionOfEpochAndSample() throws {
    let network = try Network(NetworkSpecification("dropout 0.25; dense 10"), capacity: 1)
    let parameters = FloatBuffer(count: network.layout.count)
    network.layout.initialize(parameters, seed: 1)
    network.prepare(parameters)
    func run(_ epoch: Int?, sample: Int32 = 0) -> [Float] {
      for i in 0..<784 { network.input.pointer[i] = 1 }
      network.forward(
        count: 1, randomness: epoch.map { Randomness(seed: 1, epoch: $0, samples: [sample]) })
      return (0..<784).map { network.input.pointer[$0] }
    }
    #expect(run(nil).allSatisfy { $0 == 1 })
    let first = run(0)
    #expect(first == run(0))
    #expect(first != run(1))
    #expect(first != run(0, sample: 1))
    let kept = first.filter { $0 != 0 }
    #expect(kept.allSatisfy { abs($0 - 4 / 3) < 1e-6 })
    #expect(abs(Double(kept.count) / 784 - 0.75) < 0.06)
  }
}
