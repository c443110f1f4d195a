package import Collectives
internal import Foundation

/// What the reduction and a step should take, from the network's figures: the model of Hockney (1994), time =
/// latency + bytes / bandwidth, with the processors' work per message of LogP (Culler et al. 1993).
///
/// Ranks fill one node after the other. Whatever the ranks of a node send to other nodes at the same time
/// shares the node's link. In the reduction of two levels they send nothing: they add up in memory that they
/// share, and one rank of each node sends.
package struct CostModel: Sendable, Hashable {
  /// A link's figures.
  package struct Link: Sendable, Hashable, Codable {
    /// Seconds until a message's first byte arrives.
    package var latencySeconds: Double
    /// Bytes per second, each way.
    package var bytesPerSecond: Double
    /// Seconds of work on each message.
    package var messageSeconds: Double

    /// A link of these figures.
    package init(latencySeconds: Double, bytesPerSecond: Double, messageSeconds: Double) {
      self.latencySeconds = latencySeconds
      self.bytesPerSecond = bytesPerSecond
      self.messageSeconds = messageSeconds
    }

    /// A link as it was measured.
    package init(_ figures: LinkFigures) {
      self.init(
        latencySeconds: figures.latencySeconds, bytesPerSecond: figures.bytesPerSecond,
        messageSeconds: figures.messageSeconds)
    }
  }

  /// Between ranks of one node.
  package var within: Link
  /// Between nodes; a node's ranks share it.
  package var between: Link
  /// The memory that a node's ranks share.
  package var window: SharedWindow
  /// Ranks that fill a node.
  package var ranksPerNode: Int
  /// Seconds to add one float to another in the reduction.
  package var additionSeconds: Double

  /// A model of these links; nodes have at least one rank. Without a `window`'s figures it is taken to be as
  /// fast as messages within a node.
  package init(
    within: Link, between: Link, window: SharedWindow? = nil, ranksPerNode: Int,
    additionSeconds: Double = 0.3e-9
  ) {
    self.within = within
    self.between = between
    self.window = window ?? SharedWindow(noSlowerThan: within)
    self.ranksPerNode = max(ranksPerNode, 1)
    self.additionSeconds = additionSeconds
  }

  /// Seconds of one reduction of `elementCount` elements of `bytesPerElement` over `leafCount` leaves on
  /// `ranks` ranks, all by messages.
  package func reductionSeconds(
    _ algorithm: ReductionAlgorithm, ranks: Int, elementCount: Int, leafCount: Int, bytesPerElement: Int = 4
  ) -> Double {
    guard ranks > 1 else { return 0 }
    let tree = ReductionTree(leafCount: max(leafCount, ranks))
    let subtrees = (0..<ranks).map { tree.nodes(tiling: tree.leaves(of: $0, worldSize: ranks)).count }
    let most = subtrees.max() ?? 1
    let bytes = Double(elementCount * bytesPerElement)
    let elements = Double(elementCount)
    switch algorithm {
    case .direct:
      let slice = bytes / Double(ranks)
      let additions = Double(subtrees.reduce(0, +) - 1) * elements / Double(ranks) * additionSeconds
      return directRound(ranks, copies: most, slice: slice) + additions
        + directRound(ranks, copies: 1, slice: slice)
    case .halving:
      // Several subtrees on a rank, or ranks that are no power of two, take a few more messages.
      let copies = ranks.nonzeroBitCount == 1 && most == 1 ? 1.0 : 1.5
      var seconds = 0.0
      var (distance, part) = (1, 0.5)
      while distance < ranks {
        let isWithin = distance < ranksPerNode
        let link = isWithin ? within : between
        let sharing = isWithin ? 1 : Double(min(ranksPerNode, ranks))
        let once =
          link.latencySeconds + copies * (link.messageSeconds + sharing * bytes * part / link.bytesPerSecond)
        seconds += 2 * once + copies * elements * part * additionSeconds
        distance *= 2
        part /= 2
      }
      return seconds
    }
  }

  /// One round in which every rank sends `copies` messages of `slice` bytes to each other rank.
  private func directRound(_ ranks: Int, copies: Int, slice: Double) -> Double {
    let near = Double((min(ranksPerNode, ranks) - 1) * copies)
    let far = Double(max(ranks - ranksPerNode, 0) * copies)
    let sharing = Double(min(ranksPerNode, ranks))
    return max(near > 0 ? within.latencySeconds : 0, far > 0 ? between.latencySeconds : 0)
      + near * (within.messageSeconds + slice / within.bytesPerSecond)
      + far * (between.messageSeconds + sharing * slice / between.bytesPerSecond)
  }

  /// The quicker algorithm and its seconds.
  package func best(ranks: Int, elementCount: Int, leafCount: Int, bytesPerElement: Int = 4)
    -> (algorithm: ReductionAlgorithm, seconds: Double)
  {
    let all = ReductionAlgorithm.allCases.map { algorithm in
      (
        algorithm,
        reductionSeconds(
          algorithm, ranks: ranks, elementCount: elementCount, leafCount: leafCount,
          bytesPerElement: bytesPerElement)
      )
    }
    return all.min { $0.1 < $1.1 } ?? (.direct, 0)
  }

  /// Seconds of one reduction of two levels: within each node through its window, between nodes by one rank
  /// of each, with the quicker algorithm; nil on one node.
  package func twoLevelReduction(ranks: Int, elementCount: Int, leafCount: Int, bytesPerElement: Int = 4)
    -> (seconds: Double, algorithm: ReductionAlgorithm?)
  {
    guard ranks > 1 else { return (0, nil) }
    let nodes = (ranks + ranksPerNode - 1) / ranksPerNode
    let onNode = min(ranks, ranksPerNode)
    let tree = ReductionTree(leafCount: max(leafCount, ranks))
    let subtrees = stride(from: 0, to: ranks, by: ranksPerNode).map { first in
      (first..<min(first + ranksPerNode, ranks))
        .reduce(0) { $0 + tree.nodes(tiling: tree.leaves(of: $1, worldSize: ranks)).count }
    }
    let near = windowSeconds(
      ranks: onNode, elementCount: elementCount, subtrees: subtrees.max() ?? 1, isOnlyNode: nodes == 1)
    guard nodes > 1 else { return (near, nil) }
    // What is left is the reduction of a rank per node.
    let far = CostModel(within: between, between: between, ranksPerNode: 1, additionSeconds: additionSeconds)
      .best(ranks: nodes, elementCount: elementCount, leafCount: leafCount, bytesPerElement: bytesPerElement)
    return (near + far.seconds, far.algorithm)
  }

  /// Seconds of one reduction through the window of a node whose `ranks` ranks hold `subtrees` sums together.
  ///
  /// Every rank adds up its slice of all of them, then reads the other slices. They wait for one another when
  /// their own sums are complete, when the slices are, and, unless it is the only node, when the sum over all
  /// nodes is there. Floats are not packed for it, whatever travels between nodes.
  package func windowSeconds(ranks: Int, elementCount: Int, subtrees: Int, isOnlyNode: Bool) -> Double {
    guard ranks > 1 else { return 0 }
    let bytes = Double(elementCount * 4)
    let perRank = Double(subtrees) / Double(ranks)
    let additions = max(perRank - 1 / Double(ranks), 0) * Double(elementCount) * additionSeconds
    return (isOnlyNode ? 2 : 3) * window.barrier(ranks: ranks)
      + window.reading(bytes * perRank, ranks: ranks) + additions + window.reading(bytes, ranks: ranks)
  }
}

extension CostModel.Link {
  /// A link's rate and latency in words, as in `25gbit,10us`; nil if they are none. Nothing is known of the
  /// work on a message, which is 0.
  package init?(parsing text: String) {
    func value(_ word: Substring, _ units: [(suffix: String, factor: Double)]) -> Double? {
      for unit in units where word.hasSuffix(unit.suffix) {
        return Double(word.dropLast(unit.suffix.count)).flatMap { number in
          // A rate or a latency that is no slip of the pen: neither product below overflows.
          number > 0 && (1e-12...1e15).contains(number * unit.factor) ? number * unit.factor : nil
        }
      }
      return nil
    }
    let parts = text.lowercased().split(separator: ",")
    guard parts.count == 2,
      let rate = value(parts[0], [("gbit", 1e9 / 8), ("mbit", 1e6 / 8), ("kbit", 1e3 / 8)]),
      let latency = value(parts[1], [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1)])
    else { return nil }
    self.init(latencySeconds: latency, bytesPerSecond: rate, messageSeconds: 0)
  }
}
