import Collectives
import Testing

@Suite struct ReductionTests {
  /// Leaf values of very different sizes, so that any other order of additions gives other bits.
  private static func value(_ leaf: Int, _ element: Int) -> Float {
    let hash = UInt64(leaf &* 1_000_003 &+ element &* 7919 &+ 17) &* 0x9E37_79B9_7F4A_7C15
    let sign: Float = hash >> 63 == 0 ? 1 : -1
    let exponent = UInt32(100 + (hash >> 20) % 40)
    return sign * Float(bitPattern: exponent << 23 | UInt32(truncatingIfNeeded: hash >> 32) & 0x7F_FFFF)
  }

  /// The sum that the canonical tree prescribes, straight from its definition.
  private static func plainSum(_ leafCount: Int, _ element: Int) -> Float {
    func node(_ level: Int, _ index: Int) -> Float {
      if level == 0 { return value(index, element) }
      let left = node(level - 1, 2 * index)
      return (2 * index + 1) << (level - 1) < leafCount ? left + node(level - 1, 2 * index + 1) : left
    }
    var height = 0
    while 1 << height < leafCount { height += 1 }
    return node(height, 0)
  }

  /// Runs steps with these leaf counts on one set of ranks; each rank's sums as bits, step by step.
  private func sums(
    leafCounts: [Int], worldSize: Int, elementCount: Int, native: Bool = false
  ) throws -> [[[UInt32]]] {
    try InProcessWorld(size: worldSize).run { communicator in
      let reduction: any GradientReduction =
        native
        ? NativeReduction(communicator: communicator, elementCount: elementCount)
        : ReproducibleReduction(
          communicator: communicator, elementCount: elementCount,
          maximumLeafCount: leafCounts.max() ?? 1)
      var results: [[UInt32]] = []
      for leafCount in leafCounts {
        reduction.begin(leafCount: leafCount)
        for leaf in reduction.ownedLeaves {
          reduction.withNextLeaf { target in
            for element in 0..<elementCount { target[element] = Self.value(leaf, element) }
          }
        }
        let sum = try reduction.reduce()
        results.append((0..<elementCount).map { sum[$0].bitPattern })
      }
      return results
    }
  }

  @Test(arguments: 1...17)
  func everyRankGetsTheTreesSumForAllLeafCounts(_ worldSize: Int) throws {
    let elementCount = 33
    let expected = (1...40).map { leafCount in
      (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
    }
    let results = try sums(leafCounts: Array(1...40), worldSize: worldSize, elementCount: elementCount)
    for (rank, steps) in results.enumerated() {
      for (step, sum) in steps.enumerated() {
        #expect(sum == expected[step], "\(step + 1) leaves, rank \(rank) of \(worldSize)")
      }
    }
  }

  @Test(arguments: [1, 2, 7, 16, 17, 1000])
  func anyNumberOfElementsWorks(_ elementCount: Int) throws {
    for worldSize in [1, 2, 3, 5, 8] {
      let results = try sums(leafCounts: [13, 2, 13], worldSize: worldSize, elementCount: elementCount)
      let expected = [13, 2, 13].map { leafCount in
        (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
      }
      #expect(results.allSatisfy { $0 == expected }, "\(elementCount) elements on \(worldSize) ranks")
    }
  }

  /// The plain all-reduce is there for comparison: the same sum to rounding, on all ranks alike.
  @Test(arguments: [1, 3, 6])
  func nativeSumsAgreeToRounding(_ worldSize: Int) throws {
    let results = try sums(leafCounts: [5, 2], worldSize: worldSize, elementCount: 9, native: true)
    for (step, leafCount) in [5, 2].enumerated() {
      for element in 0..<9 {
        let exact = (0..<leafCount).reduce(0.0) { $0 + Double(Self.value($1, element)) }
        let scale = (0..<leafCount).reduce(0.0) { $0 + abs(Double(Self.value($1, element))) }
        for rank in results {
          #expect(abs(Double(Float(bitPattern: rank[step][element])) - exact) <= 1e-6 * scale)
          #expect(rank[step] == results[0][step])
        }
      }
    }
  }

  /// A rank that fails between two steps ends the reductions of all others.
  @Test(arguments: [false, true])
  func aFailingRankEndsAReduction(_ native: Bool) {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      _ = try InProcessWorld(size: 3).run { communicator in
        let reduction: any GradientReduction =
          native
          ? NativeReduction(communicator: communicator, elementCount: 40)
          : ReproducibleReduction(communicator: communicator, elementCount: 40, maximumLeafCount: 5)
        for step in 0..<2 {
          if step == 1, communicator.rank == 1 { throw Failure() }
          reduction.begin(leafCount: 5)
          for _ in reduction.ownedLeaves { reduction.withNextLeaf { $0.update(repeating: 1, count: 40) } }
          _ = try reduction.reduce()
        }
      }
    }
  }

  /// A trainer that asks for more than it announced, or leaves a leaf out, must not train on a wrong sum.
  @Test func misuseTraps() async {
    await #expect(processExitsWith: .failure) {
      let reduction = ReproducibleReduction(
        communicator: SingleCommunicator(), elementCount: 4, maximumLeafCount: 2)
      reduction.begin(leafCount: 3)
    }
    await #expect(processExitsWith: .failure) {
      let reduction = ReproducibleReduction(
        communicator: SingleCommunicator(), elementCount: 4, maximumLeafCount: 2)
      reduction.begin(leafCount: 2)
      reduction.withNextLeaf { $0.update(repeating: 1, count: 4) }
      _ = try reduction.reduce()
    }
    await #expect(processExitsWith: .failure) {
      let reduction = NativeReduction(communicator: SingleCommunicator(), elementCount: 4)
      reduction.begin(leafCount: 2)
      reduction.withNextLeaf { $0.update(repeating: 1, count: 4) }
      _ = try reduction.reduce()
    }
  }
}
