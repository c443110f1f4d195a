import AllocationCounter
import Collectives
import Model
import Tensors
import Testing

/// A step works in memory that was there before it.
@Suite struct AllocationTests {
  /// Takes steps of forward and backward passes, reduction and update on three ranks, and counts each rank's heap
  /// allocations after the first two steps, which may still make buffers. What the exchange between the ranks
  /// takes is left out: these are threads with queues, not MPI.
  private func allocations(network name: String, optimizer: String) throws -> [Int] {
    let specification = try #require(NetworkSpecification.named[name])
    return try InProcessWorld(size: 3).run { world in
      let (capacity, leafCount) = (4, 5)
      let network = try Network(specification, capacity: capacity)
      let parameters = FloatBuffer(count: network.layout.count)
      network.layout.initialize(parameters, seed: 0)
      let optimizer = OptimizerSpecification(name: optimizer)?.makeOptimizer(for: network.layout)
      let reduction = ReproducibleReduction(
        communicator: world, elementCount: parameters.count, maximumLeafCount: leafCount)
      let loss = SoftmaxCrossEntropy(classCount: 10, labelSmoothing: 0.1)
      let labels: [UInt8] = [3, 1, 4, 1]
      let samples: [Int32] = [0, 1, 2, 3]
      let average = FloatBuffer(count: parameters.count)

      func step(_ number: Int) throws {
        labels.withUnsafeBufferPointer { labels in
          samples.withUnsafeBufferPointer { samples in
            guard let labels = labels.baseAddress, let samples = samples.baseAddress else { return }
            network.prepare(parameters)
            reduction.begin(leafCount: leafCount)
            for _ in reduction.ownedLeaves {
              reduction.withNextLeaf { gradient in
                let randomness = Randomness(seed: 0, epoch: number, samples: samples)
                let logits = network.forward(count: capacity, randomness: randomness)
                _ = loss.evaluate(
                  logits: logits, labels: labels, count: capacity, gradient: network.logitGradient)
                network.backward(count: capacity, randomness: randomness, gradient: gradient)
              }
            }
          }
        }
        let before = allocation_count()
        let sum = try reduction.reduce()
        inExchange += allocation_count() - before
        optimizer?.update(parameters, gradient: sum, scale: 0.05, rate: 1, step: number)
        Model.average(parameters, into: average, decay: 0.9)
      }
      var inExchange = 0
      for number in 0..<2 { try step(number) }
      inExchange = 0
      let before = allocation_count()
      for number in 2..<6 { try step(number) }
      return allocation_count() - before - inExchange
    }
  }

  @Test(arguments: ["quick", "medium", "keras", "pytorch", "wide"], ["sgd", "adamw", "muon"])
  func aStepAllocatesNothing(network: String, optimizer: String) throws {
    #expect(try allocations(network: network, optimizer: optimizer) == [0, 0, 0])
  }

  @Test func theCounterCounts() {
    let before = allocation_count()
    let buffer = FloatBuffer(count: 100)
    #expect(buffer.count == 100 && allocation_count() > before)
  }
}
