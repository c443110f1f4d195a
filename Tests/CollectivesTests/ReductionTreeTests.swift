import Collectives
import Testing

@Suite struct ReductionTreeTests {
  /// The largest nodes that cover a range, found by trying all nodes of the tree from the top.
  private func plainTiling(_ tree: ReductionTree, _ range: Range<Int>) -> [ReductionTree.Node] {
    func search(_ node: ReductionTree.Node) -> [ReductionTree.Node] {
      let leaves = tree.leaves(of: node)
      if leaves.isEmpty || leaves.lowerBound >= range.upperBound || leaves.upperBound <= range.lowerBound {
        return []
      }
      if leaves.lowerBound >= range.lowerBound, leaves.upperBound <= range.upperBound { return [node] }
      return search(.init(level: node.level - 1, index: 2 * node.index))
        + search(.init(level: node.level - 1, index: 2 * node.index + 1))
    }
    return search(.init(level: tree.height, index: 0))
  }

  @Test func tilingsAreTheLargestNodes() {
    for leafCount in 1...40 {
      let tree = ReductionTree(leafCount: leafCount)
      for first in 0..<leafCount {
        for end in first + 1...leafCount {
          #expect(
            tree.nodes(tiling: first..<end) == plainTiling(tree, first..<end),
            "\(first)..<\(end) of \(leafCount)")
        }
      }
    }
  }

  @Test func ranksShareTheLeavesEvenly() {
    for leafCount in 0...40 {
      let tree = ReductionTree(leafCount: leafCount)
      for worldSize in 1...17 {
        let shares = (0..<worldSize).map { tree.leaves(of: $0, worldSize: worldSize) }
        #expect(shares.first?.lowerBound == 0 && shares.last?.upperBound == leafCount)
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        let counts = shares.map(\.count)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
      }
    }
  }
}
