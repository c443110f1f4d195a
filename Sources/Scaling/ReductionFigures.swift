package import Collectives
internal import Files
package import Tensors

/// The reduction by itself, timed, beside what the cost model expects of it.
package struct ReductionFigures: Hashable, Sendable, Codable {
  /// The world size.
  package var ranks: Int
  /// Floats that were added up.
  package var elements: Int
  /// Ranks on the root's host.
  package var ranksPerNode: Int
  /// The link between two ranks of the root's host; nil if it has one rank only.
  package var within: CostModel.Link?
  /// The link between the root's host and another; nil if there is no other.
  package var between: CostModel.Link?
  /// The memory that the ranks of the root's host share; nil if it has one rank only, or none can be had.
  package var window: SharedWindow?
  /// Median seconds of a reduction by messages alone, by algorithm; as `memory` that of two levels, within nodes through
  /// memory in common.
  package var measured: [String: Double]
  /// Seconds by algorithm that the cost model expects of these links.
  package var expected: [String: Double]

  /// Measures the links, then each algorithm `repeats` times with one leaf of `elements` floats on each rank.
  /// Called by all ranks, each of which names its `host`.
  ///
  /// - Throws: `CommunicatorError`.
  package static func measure(
    over communicator: any Communicator, host: String, elements: Int, repeats: Int, format: GradientFormat
  ) throws -> ReductionFigures {
    communicator.willEnter("the measurement of links", step: 0)
    let hosts = try communicator.allGather(Array(host.utf8))
    let neighbour = hosts.indices.dropFirst().first { hosts[$0] == hosts[0] }
    let stranger = hosts.firstIndex { $0 != hosts[0] }
    let peers = [neighbour, stranger].compactMap { $0 }
    let leafCount = communicator.worldSize
    let group = try NodeGroup.sharing(communicator) { localSize in
      SharedWindow.byteCount(localSize: localSize)
        + SharedReduction.byteCount(
          localSize: localSize, elementCount: elements, maximumLeafCount: leafCount)
    }
    let links = try LinkProbe.measure(peers.map { (from: 0, to: $0) }, over: communicator) { 0 }
    func link(_ peer: Int?) -> CostModel.Link? {
      links.first { $0.to == peer }.map(CostModel.Link.init)
    }
    var figures = ReductionFigures(
      ranks: communicator.worldSize, elements: elements, ranksPerNode: hosts.count { $0 == hosts[0] },
      within: link(neighbour), between: link(stranger), measured: [:], expected: [:])
    if group.isShared {
      communicator.willEnter("the measurement of shared memory", step: 0)
      let window = try SharedWindow.measure(group, over: communicator)
      if group.ranks.count > 1 { figures.window = window }
    }
    for algorithm in ReductionAlgorithm.allCases {
      let reduction = ReproducibleReduction(
        communicator: communicator, elementCount: elements, maximumLeafCount: leafCount, format: format,
        algorithm: algorithm)
      figures.measured[algorithm.rawValue] = try seconds(
        of: reduction, over: communicator, group: nil, repeats: repeats)
      figures.expected[algorithm.rawValue] = figures.model?.reductionSeconds(
        algorithm, ranks: figures.ranks, elementCount: elements, leafCount: figures.ranks,
        bytesPerElement: format == .bfloat16 ? 2 : 4)
    }
    figures.measured[nativeName] = try seconds(
      of: NativeReduction(communicator: communicator, elementCount: elements), over: communicator, group: nil,
      repeats: repeats)
    guard group.isShared else { return figures }
    // Each rank keeps to its leaf: it is the reduction that is timed.
    let reduction = SharedReduction(
      communicator: communicator, group: group, elementCount: elements, maximumLeafCount: leafCount,
      format: format, takesByNeed: false)
    figures.measured[memoryName] = try seconds(
      of: reduction, over: communicator, elements: elements, group: group, repeats: repeats)
    figures.expected[memoryName] =
      figures.model?.twoLevelReduction(
        ranks: figures.ranks, elementCount: elements, leafCount: leafCount,
        bytesPerElement: format == .bfloat16 ? 2 : 4
      ).seconds
    return figures
  }

  /// The name, in `measured` and `expected`, of the reduction through memory in common.
  package static let memoryName = "memory"
  /// The name, in `measured`, of MPI's own all-reduce, whose sums depend on the number of ranks.
  package static let nativeName = "MPI_Allreduce"

  /// The cost model of the links that were measured; nil without any. Where one kind of link is missing no
  /// message travels over it.
  package var model: CostModel? {
    guard let any = within ?? between else { return nil }
    return CostModel(
      within: within ?? any, between: between ?? any, window: window, ranksPerNode: ranksPerNode)
  }

  /// Median over repetitions of the time that the last rank to finish took, with one leaf on each rank.
  private static func seconds(
    of reduction: any GradientReduction, over communicator: any Communicator, elements: Int = 0,
    group: NodeGroup?, repeats: Int
  ) throws -> Double {
    // The first few find cold caches and connections that are not made yet, and may still look for the quicker algorithm.
    let warmUp = 15
    let own = FloatBuffer(count: group == nil ? 0 : elements)
    var times: [Double] = []
    for step in 0..<repeats + warmUp {
      communicator.willEnter("the reduction", step: step + 1)
      reduction.begin(leafCount: communicator.worldSize)
      while reduction.takeLeaf() != nil { reduction.withLeaf { $0.update(repeating: 1) } }
      try communicator.barrier()
      try group?.barrier()
      let start = MonotonicClock.now()
      let sum = try reduction.reduce()
      // The others bring the sum to each rank as well.
      if group != nil { own.copy(from: sum) }
      times.append(MonotonicClock.now() - start)
      // Nobody overwrites what others still read.
      try group?.barrier()
    }
    let all = try communicator.allGather(numbers: times)
    return Spread((warmUp..<times.count).map { index in all.map { $0[index] }.max() ?? 0 }).median
  }
}
