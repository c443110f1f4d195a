import Collectives
import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite struct ReductionTests {
  /// Leaf values of very different sizes, so that any other order of additions gives other bits.
  private static func value(_ leaf: Int, _ element: Int) -> Float {
    let hash = UInt64(leaf &* 1_000_003 &+ element &* 7919 &+ 17) &* 0x9E37_79B9_7F4A_7C15
    let sign: Float = hash >> 63 == 0 ? 1 : -1
    let exponent = UInt32(100 + (hash >> 20) % 40)
    return sign * Float(bitPattern: exponent << 23 | UInt32(truncatingIfNeeded: hash >> 32) & 0x7F_FFFF)
  }

  /// The sum that the canonical tree prescribes, straight from its definition; each of its nodes `rounded`.
  private static func plainSum(
    _ leafCount: Int, _ element: Int, rounded: (Float) -> Float = { $0 }
  ) -> Float {
    func node(_ level: Int, _ index: Int) -> Float {
      if level == 0 { return rounded(value(index, element)) }
      let left = node(level - 1, 2 * index)
      return (2 * index + 1) << (level - 1) < leafCount
        ? rounded(left + node(level - 1, 2 * index + 1)) : left
    }
    var height = 0
    while 1 << height < leafCount { height += 1 }
    return node(height, 0)
  }

  /// Runs steps with these leaf counts on one set of ranks; each rank's sums as bits, step by step. Ranks of a node share
  /// memory; `costs` are what a leaf costs each node.
  private func sums(
    leafCounts: [Int], worldSize: Int, ranksPerNode: Int = 1, elementCount: Int, native: Bool = false,
    format: GradientFormat = .float32, exactCount: Int = 0, algorithm: ReductionAlgorithm? = nil,
    costs: [Int]? = nil
  ) throws -> [[[UInt32]]] {
    let largest = leafCounts.max() ?? 1
    return try InProcessWorld(size: worldSize, ranksPerNode: ranksPerNode).run { communicator in
      let group = try NodeGroup.sharing(communicator) {
        SharedReduction.byteCount(localSize: $0, elementCount: elementCount, maximumLeafCount: largest)
      }
      let reduction: any GradientReduction =
        if native {
          NativeReduction(communicator: communicator, elementCount: elementCount)
        } else if group.isShared {
          SharedReduction(
            communicator: communicator, group: group, elementCount: elementCount, maximumLeafCount: largest,
            format: format, exactCount: exactCount, algorithm: algorithm)
        } else {
          ReproducibleReduction(
            communicator: communicator, elementCount: elementCount, maximumLeafCount: largest, format: format,
            exactCount: exactCount, algorithm: algorithm)
        }
      if let costs { reduction.division = LeafDivision(group.nodes, costs: costs) }
      var results: [[UInt32]] = []
      for leafCount in leafCounts {
        reduction.begin(leafCount: leafCount)
        while let leaf = reduction.takeLeaf() {
          reduction.withLeaf { target in
            for element in 0..<elementCount { target[element] = Self.value(leaf, element) }
          }
        }
        let sum = try reduction.reduce()
        results.append(sum.elements.map(\.bitPattern))
        // Nobody overwrites a sum that others have not read.
        try group.barrier()
      }
      return results
    }
  }

  @Test(arguments: 1...17, ReductionAlgorithm.allCases)
  func everyRankGetsTheTreesSumForAllLeafCounts(
    _ worldSize: Int, _ algorithm: ReductionAlgorithm
  ) throws {
    // Less than a cache line for each, so that some ranks sum nothing.
    let elementCount = 9 * 16 - 5
    let leafCounts = Array(1...19) + [31, 32, 33, 40]
    let expected = leafCounts.map { leafCount in
      (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
    }
    let results = try sums(
      leafCounts: leafCounts, worldSize: worldSize, elementCount: elementCount, algorithm: algorithm)
    for (rank, steps) in results.enumerated() {
      for (step, sum) in steps.enumerated() {
        #expect(sum == expected[step], "\(leafCounts[step]) leaves, rank \(rank) of \(worldSize)")
      }
    }
  }

  /// Ranks that share memory take leaves as they get free, in whatever order threads run.
  @Test(
    arguments: [(2, 2), (3, 3), (4, 2), (5, 2), (5, 4), (6, 3), (7, 7), (9, 4), (16, 8), (17, 3)],
    ReductionAlgorithm.allCases)
  func ranksThatShareMemoryGetTheTreesSum(
    _ ranks: (world: Int, perNode: Int), _ algorithm: ReductionAlgorithm
  ) throws {
    let elementCount = 9 * 16 - 5
    let leafCounts = Array(1...19) + [31, 32, 33, 40, 7, 40]
    let expected = leafCounts.map { leafCount in
      (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
    }
    let results = try sums(
      leafCounts: leafCounts, worldSize: ranks.world, ranksPerNode: ranks.perNode, elementCount: elementCount,
      algorithm: algorithm)
    for (rank, steps) in results.enumerated() {
      for (step, sum) in steps.enumerated() {
        #expect(sum == expected[step], "\(leafCounts[step]) leaves, rank \(rank) of \(ranks)")
      }
    }
  }

  /// A rank that is held up in a leaf is left with that one, and the sum is the same; dealt equally, it keeps its share.
  @Test(arguments: [true, false]) func othersTakeWhatASlowRankWasDealt(_ takesByNeed: Bool) throws {
    let (leafCount, elementCount) = (24, 20)
    let begun = Atomic(false)
    let done = Atomic(0)
    let results = try InProcessWorld(size: 3, ranksPerNode: 3).run { communicator in
      let group = try NodeGroup.sharing(communicator) {
        SharedReduction.byteCount(localSize: $0, elementCount: elementCount, maximumLeafCount: leafCount)
      }
      let reduction = SharedReduction(
        communicator: communicator, group: group, elementCount: elementCount, maximumLeafCount: leafCount,
        takesByNeed: takesByNeed)
      reduction.begin(leafCount: leafCount)
      // Rank 1 takes its first leaf before the others begin, and goes on when they have nothing left to do.
      while communicator.rank != 1, !begun.load(ordering: .acquiring) { sched_yield() }
      while let leaf = reduction.takeLeaf() {
        if communicator.rank == 1 {
          begun.store(true, ordering: .releasing)
          while done.load(ordering: .acquiring) < 2 { sched_yield() }
        }
        reduction.withLeaf { target in
          for element in 0..<elementCount { target[element] = Self.value(leaf, element) }
        }
      }
      done.add(1, ordering: .acquiringAndReleasing)
      let sum = try reduction.reduce().elements.map(\.bitPattern)
      try group.barrier()
      return (sum, reduction.work)
    }
    let expected = (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
    #expect(results.allSatisfy { $0.0 == expected })
    let works = results.map(\.1)
    #expect(works.reduce(0) { $0 + $1.leaves } == leafCount)
    #expect(works[1].leaves == (takesByNeed ? 1 : 8))
    #expect(works.reduce(0) { $0 + $1.taken } >= (takesByNeed ? 7 : 0))
    if !takesByNeed { #expect(works.allSatisfy { $0.taken == 0 && $0.leaves == 8 }) }
  }

  /// Unequal shares are other shares of the same sum.
  @Test(arguments: [1, 2, 3], ReductionAlgorithm.allCases)
  func sharesOfNodesChangeNothing(_ ranksPerNode: Int, _ algorithm: ReductionAlgorithm) throws {
    let leafCounts = [32, 5, 32, 19]
    let expected = leafCounts.map { leafCount in (0..<100).map { Self.plainSum(leafCount, $0).bitPattern } }
    for costs in [[1, 1, 1, 1], [1, 2, 3, 10], [7, 1, 1, 3]] {
      let results = try sums(
        leafCounts: leafCounts, worldSize: 4 * ranksPerNode, ranksPerNode: ranksPerNode, elementCount: 100,
        algorithm: algorithm, costs: costs)
      #expect(results.allSatisfy { $0 == expected }, "\(costs)")
    }
  }

  @Test(arguments: [1, 2, 7, 16, 17, 1000], ReductionAlgorithm.allCases)
  func anyNumberOfElementsWorks(_ elementCount: Int, _ algorithm: ReductionAlgorithm) throws {
    for worldSize in [1, 2, 3, 5, 8] {
      for ranksPerNode in [1, 3] {
        let results = try sums(
          leafCounts: [13, 2, 13], worldSize: worldSize, ranksPerNode: ranksPerNode,
          elementCount: elementCount, algorithm: algorithm)
        let expected = [13, 2, 13].map { leafCount in
          (0..<elementCount).map { Self.plainSum(leafCount, $0).bitPattern }
        }
        #expect(results.allSatisfy { $0 == expected }, "\(elementCount) elements on \(worldSize) ranks")
      }
    }
  }

  /// What an algorithm is for: few messages, and most of the data between neighbours.
  @Test(arguments: [
    (4, ReductionAlgorithm.direct, 6), (16, .direct, 30), (4, .halving, 4), (16, .halving, 8),
  ])
  func ranksSendNoMoreThanTheyMust(
    _ worldSize: Int, _ algorithm: ReductionAlgorithm, _ messages: Int
  ) throws {
    let elementCount = 64 * worldSize
    let traffic = try InProcessWorld(size: worldSize).run { communicator in
      var sent: [Int: Int] = [:]
      var messages = 0
      let counter = ForwardingCommunicator(communicator) { sends, _, forward throws(CommunicatorError) in
        for message in sends { sent[message.peer, default: 0] += message.range.count }
        messages += sends.count
        try forward()
      }
      let reduction = ReproducibleReduction(
        communicator: counter, elementCount: elementCount, maximumLeafCount: 32, algorithm: algorithm)
      reduction.begin(leafCount: 32)
      while reduction.takeLeaf() != nil { reduction.withLeaf { $0.update(repeating: 1) } }
      _ = try reduction.reduce()
      return (sent, messages)
    }
    for (sent, count) in traffic {
      #expect(sent.values.reduce(0, +) == 2 * elementCount * (worldSize - 1) / worldSize)
      #expect(count == messages)
    }
    guard algorithm == .halving else { return }
    // Two ranks on each node: between nodes each sends half of what it would with others on its own.
    for (rank, (sent, _)) in traffic.enumerated() {
      let elsewhere = sent.filter { $0.key / 2 != rank / 2 }.values.reduce(0, +)
      #expect(elsewhere == elementCount * (worldSize / 2 - 1) / (worldSize / 2))
    }
  }

  /// While the quicker algorithm is looked for, and after.
  @Test func tryingAlgorithmsChangesNothing() throws {
    let leafCounts = Array(repeating: 7, count: 20) + [2, 7]
    let results = try sums(leafCounts: leafCounts, worldSize: 5, elementCount: 100)
    let expected = leafCounts.map { leafCount in
      (0..<100).map { Self.plainSum(leafCount, $0).bitPattern }
    }
    #expect(results.allSatisfy { $0 == expected })
  }

  /// bfloat16 after its definition: the nearest multiple of 2^-7 of the power of two below, ties to even.
  private static func nearestBFloat16(_ x: Float) -> Float {
    guard x != 0 else { return x }
    let unit = Float(sign: .plus, exponent: x.exponent - 7, significand: 1)
    return (x / unit).rounded(.toNearestOrEven) * unit
  }

  /// What travels in 16 bits is the same on all ranks at any number of ranks, and counts stay exact.
  @Test(arguments: [1, 2, 3, 6, 8, 13], ReductionAlgorithm.allCases)
  func bfloat16SumsAreTheTreesToo(_ worldSize: Int, _ algorithm: ReductionAlgorithm) throws {
    let (elementCount, exactCount) = (333, 5)
    let leafCounts = [16, 13, 29]
    let (alone, shared) = try (
      sums(
        leafCounts: leafCounts, worldSize: worldSize, elementCount: elementCount, format: .bfloat16,
        exactCount: exactCount, algorithm: algorithm),
      sums(
        leafCounts: leafCounts, worldSize: worldSize, ranksPerNode: 3, elementCount: elementCount,
        format: .bfloat16, exactCount: exactCount, algorithm: algorithm)
    )
    let expected = leafCounts.map { leafCount in
      (0..<elementCount).map { element in
        element < elementCount - exactCount
          ? Self.plainSum(leafCount, element, rounded: Self.nearestBFloat16).bitPattern
          : Self.plainSum(leafCount, element).bitPattern
      }
    }
    for (rank, steps) in (alone + shared).enumerated() {
      #expect(steps == expected, "rank \(rank % worldSize) of \(worldSize)")
    }
  }

  /// A gradient that is not a number must not become one on its way.
  @Test func bfloat16KeepsWhatIsNotANumber() throws {
    let patterns: [UInt32] = [0x7FFF_FFFF, 0xFFFF_FFFF, 0x7F80_0001, 0x7F80_0000, 0xFF80_0000]
    let sums = try InProcessWorld(size: 2).run { communicator in
      let reduction = ReproducibleReduction(
        communicator: communicator, elementCount: patterns.count, maximumLeafCount: 2, format: .bfloat16)
      reduction.begin(leafCount: 2)
      while let leaf = reduction.takeLeaf() {
        reduction.withLeaf { target in
          for (element, pattern) in patterns.enumerated() {
            target[element] = leaf == 0 ? Float(bitPattern: pattern) : 1
          }
        }
      }
      let sum = try reduction.reduce()
      return Array(sum.elements)
    }
    for sum in sums {
      #expect(sum[..<3].allSatisfy(\.isNaN) && sum[3] == .infinity && sum[4] == -.infinity)
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
  @Test(arguments: [(false, 1), (true, 1), (false, 2), (false, 3)])
  func aFailingRankEndsAReduction(_ native: Bool, _ ranksPerNode: Int) {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      _ = try InProcessWorld(size: 3, ranksPerNode: ranksPerNode).run { communicator in
        let group = try NodeGroup.sharing(communicator) {
          SharedReduction.byteCount(localSize: $0, elementCount: 40, maximumLeafCount: 5)
        }
        let reduction: any GradientReduction =
          if native {
            NativeReduction(communicator: communicator, elementCount: 40)
          } else if group.isShared {
            SharedReduction(
              communicator: communicator, group: group, elementCount: 40, maximumLeafCount: 5)
          } else {
            ReproducibleReduction(communicator: communicator, elementCount: 40, maximumLeafCount: 5)
          }
        for step in 0..<2 {
          if step == 1, communicator.rank == 1 { throw Failure() }
          reduction.begin(leafCount: 5)
          while reduction.takeLeaf() != nil { reduction.withLeaf { $0.update(repeating: 1) } }
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
      _ = reduction.takeLeaf()
      reduction.withLeaf { $0.update(repeating: 1) }
      _ = try reduction.reduce()
    }
    await #expect(processExitsWith: .failure) {
      let reduction = NativeReduction(communicator: SingleCommunicator(), elementCount: 4)
      reduction.begin(leafCount: 2)
      _ = reduction.takeLeaf()
      reduction.withLeaf { $0.update(repeating: 1) }
      _ = try reduction.reduce()
    }
  }
}
