/// The canonical pairwise tree over the leaves 0..<leafCount of a sum: its shape depends on their number alone.
///
/// The node at (level, index) covers the leaves index·2^level ..< (index + 1)·2^level that exist.
/// It is the sum of its two children, or just its left child where the right one covers no leaf. This is the
/// shape of a Merkle tree after RFC 6962, §2.1.
package struct ReductionTree: Hashable, Sendable {
  /// One node of the tree.
  package struct Node: Hashable, Sendable {
    /// 0 for leaves.
    package var level: Int
    /// Counted from the left within the level.
    package var index: Int

    package init(level: Int, index: Int) {
      self.level = level
      self.index = index
    }

    /// The first leaf that the node covers.
    package var firstLeaf: Int { index << level }
  }

  package let leafCount: Int

  package init(leafCount: Int) {
    precondition(leafCount >= 0, "a tree of \(leafCount) leaves")
    self.leafCount = leafCount
  }

  /// The level of the root: ⌈log₂ leafCount⌉.
  package var height: Int {
    leafCount <= 1 ? 0 : Int.bitWidth - (leafCount - 1).leadingZeroBitCount
  }

  /// The leaves that a node covers.
  package func leaves(of node: Node) -> Range<Int> {
    let first = min(node.firstLeaf, leafCount)
    return first..<min((node.index + 1) << node.level, leafCount)
  }

  /// The leaves that a rank computes: neighbours, as many on each rank to within one.
  package func leaves(of rank: Int, worldSize: Int) -> Range<Int> {
    leafCount * rank / worldSize..<leafCount * (rank + 1) / worldSize
  }

  /// The largest nodes that together cover `leaves` and nothing else, from left to right: at most
  /// 2 · height of them.
  package func nodes(tiling leaves: Range<Int>) -> [Node] {
    var nodes: [Node] = []
    var first = leaves.lowerBound
    while first < leaves.upperBound {
      var level = 0
      while level < height, first & ((2 << level) - 1) == 0,
        min((first >> (level + 1) + 1) << (level + 1), leafCount) <= leaves.upperBound
      {
        level += 1
      }
      nodes.append(Node(level: level, index: first >> level))
      first = (first >> level + 1) << level
    }
    return nodes
  }
}
