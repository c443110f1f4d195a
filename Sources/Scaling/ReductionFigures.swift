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
  /// Median seconds of a reduction, by algorithm.
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
    let links = try LinkProbe.measure(peers.map { (from: 0, to: $0) }, over: communicator) { 0 }
    func link(_ peer: Int?) -> CostModel.Link? {
      links.first { $0.to == peer }.map(CostModel.Link.init)
    }
    var figures = ReductionFigures(
      ranks: communicator.worldSize, elements: elements, ranksPerNode: hosts.count { $0 == hosts[0] },
      within: link(neighbour), between: link(stranger), measured: [:], expected: [:])
    for algorithm in ReductionAlgorithm.allCases {
      figures.measured[algorithm.rawValue] = try seconds(
        of: algorithm, over: communicator, elements: elements, repeats: repeats, format: format)
      figures.expected[algorithm.rawValue] = figures.model?.reductionSeconds(
        algorithm, ranks: figures.ranks, elementCount: elements, leafCount: figures.ranks,
        bytesPerElement: format == .bfloat16 ? 2 : 4)
    }
    return figures
  }

  /// The cost model of the links that were measured; nil without any. Where one kind of link is missing no
  /// message travels over it.
  package var model: CostModel? {
    guard let any = within ?? between else { return nil }
    return CostModel(within: within ?? any, between: between ?? any, ranksPerNode: ranksPerNode)
  }

  /// Median over repetitions of the time that the last rank to finish took.
  private static func seconds(
    of algorithm: ReductionAlgorithm, over communicator: any Communicator, elements: Int, repeats: Int,
    format: GradientFormat
  ) throws -> Double {
    let reduction = ReproducibleReduction(
      communicator: communicator, elementCount: elements, maximumLeafCount: communicator.worldSize,
      format: format, algorithm: algorithm)
    // The first few find cold caches and connections that are not made yet.
    let warmUp = 3
    var times: [Double] = []
    for step in 0..<repeats + warmUp {
      communicator.willEnter("the reduction", step: step + 1)
      reduction.begin(leafCount: communicator.worldSize)
      while reduction.takeLeaf() != nil { reduction.withLeaf { $0.update(repeating: 1) } }
      try communicator.barrier()
      let start = MonotonicClock.now()
      _ = try reduction.reduce()
      times.append(MonotonicClock.now() - start)
    }
    let all = try communicator.allGather(numbers: times)
    return Spread((warmUp..<times.count).map { index in all.map { $0[index] }.max() ?? 0 }).median
  }
}
