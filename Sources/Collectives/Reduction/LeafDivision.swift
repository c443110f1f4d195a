/// Which leaves of a step each rank is dealt: neighbours, node by node and within a node rank by rank.
///
/// It says where samples lie and who begins with what, never what is computed: a leaf's gradient is the same whoever
/// computes it.
package struct LeafDivision: Hashable, Sendable {
  /// The ranks of each node.
  package let nodes: [[Int]]
  /// What a leaf costs each node, in nanoseconds of the whole node; nil where every rank gets the same share.
  package let costs: [Int]?

  /// The same share for every rank of `nodes`.
  package init(equalAmong nodes: [[Int]]) {
    self.nodes = nodes
    costs = nil
  }

  /// The same share for each of so many ranks, each on a node of its own.
  package init(worldSize: Int) {
    self.init(equalAmong: (0..<worldSize).map { [$0] })
  }

  /// Shares with which all nodes take about the same time.
  package init(_ nodes: [[Int]], costs: [Int]) {
    precondition(costs.count == nodes.count && costs.allSatisfy { $0 > 0 }, "a cost for each node")
    self.nodes = nodes
    self.costs = costs
  }

  /// The ranks of all nodes.
  package var worldSize: Int { nodes.reduce(0) { $0 + $1.count } }

  /// The leaves of each node, of `leafCount` in all.
  package func leavesOfNodes(_ leafCount: Int) -> [Range<Int>] {
    guard let costs else {
      let ranks = worldSize
      var before = 0
      return nodes.map { node in
        defer { before += node.count }
        return leafCount * before / ranks..<leafCount * (before + node.count) / ranks
      }
    }
    // One leaf after the other to the node that would be done with it first: no other shares end sooner.
    var counts = Array(repeating: 0, count: nodes.count)
    for _ in 0..<leafCount {
      var best = 0
      for node in counts.indices where (counts[node] + 1) * costs[node] < (counts[best] + 1) * costs[best] {
        best = node
      }
      counts[best] += 1
    }
    var first = 0
    return counts.map { count in
      defer { first += count }
      return first..<first + count
    }
  }

  /// The leaves of each rank, by rank: within a node all get the same share.
  package func leavesOfRanks(_ leafCount: Int) -> [Range<Int>] {
    var leaves = Array(repeating: 0..<0, count: worldSize)
    for (node, range) in zip(nodes, leavesOfNodes(leafCount)) {
      for (index, rank) in node.enumerated() {
        leaves[rank] =
          range.lowerBound + range.count * index / node.count..<range.lowerBound + range.count * (index + 1)
          / node.count
      }
    }
    return leaves
  }
}
