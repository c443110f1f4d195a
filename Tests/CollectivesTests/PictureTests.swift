import Collectives
import Foundation
import Testing

/// What docs/pictures says of the tree, beside the tree that steps add up.
@Suite struct PictureTests {
  private func picture(_ name: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent("docs/pictures/\(name).svg"), encoding: .utf8)
  }

  /// A node as pictures write it: {4}, {4,5} or {4…7}.
  private func name(_ leaves: Range<Int>) -> String {
    let last = leaves.upperBound - 1
    switch leaves.count {
    case 1: return "{\(last)}"
    case 2: return "{\(leaves.lowerBound),\(last)}"
    default: return "{\(leaves.lowerBound)…\(last)}"
    }
  }

  /// The subtrees of each rank, when each is a node of its own.
  private func held(_ tree: ReductionTree, _ ranks: Int) -> [[String]] {
    LeafDivision(worldSize: ranks).leavesOfRanks(tree.leafCount).map { leaves in
      tree.nodes(tiling: leaves).map { name(tree.leaves(of: $0)) }
    }
  }

  private func sentence(_ tree: ReductionTree, _ ranks: Int) -> String {
    let holds = held(tree, ranks)
    let words = holds.enumerated().map { "rank \($0) holds \($1.joined(separator: " "))" }
    // Each addition makes one subtree of two, until there is the root.
    let between = holds.joined().count - 1
    return "\(tree.leafCount) leaves, \(ranks) rank\(ranks == 1 ? "" : "s"): "
      + "\(words.joined(separator: "; ")); \(between) additions between ranks."
  }

  @Test(arguments: ["light", "dark"]) func theTreeIsCutWhereRanksBegin(_ theme: String) throws {
    let tree = ReductionTree(leafCount: 16)
    let picture = try picture("tree-\(theme)")
    for ranks in 1...4 {
      #expect(picture.contains(sentence(tree, ranks)))
      for subtree in held(tree, ranks).joined() {
        #expect(picture.contains(">\(subtree)</text>"), "\(subtree) of \(ranks) ranks")
      }
    }
  }

  @Test(arguments: ["light", "dark"]) func theStepAddsWhatRanksHold(_ theme: String) throws {
    let tree = ReductionTree(leafCount: 16)
    let picture = try picture("step-\(theme)")
    #expect(picture.contains(sentence(tree, 4)))
    for subtree in held(tree, 4).joined() { #expect(picture.contains(">\(subtree)</text>"), "\(subtree)") }
    for (rank, leaves) in LeafDivision(worldSize: 4).leavesOfRanks(16).enumerated() {
      #expect(
        picture.contains(
          "Rank \(rank) computes micro-batches \(leaves.lowerBound) to \(leaves.upperBound - 1)."))
    }
  }
}
