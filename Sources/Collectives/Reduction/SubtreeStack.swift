/// Neighbouring subtrees from left to right, merged as soon as two are siblings: a binary counter.
struct SubtreeStack {
  private var tree: ReductionTree
  private var entries: [(node: ReductionTree.Node, slot: Int)] = []

  init(tree: ReductionTree) {
    self.tree = tree
    entries.reserveCapacity(2 * tree.height + 2)
  }

  /// The number of subtrees that are left.
  var count: Int { entries.count }

  /// The slot of one of the subtrees that are left, counted from the left.
  func slot(_ index: Int) -> Int { entries[index].slot }

  /// Appends the right neighbour of what is there; calls `merge(left, right)` for each pair of siblings that
  /// this completes. The merged subtree stays in the left one's slot.
  mutating func push(_ node: ReductionTree.Node, _ slot: Int, merge: (_ left: Int, _ right: Int) -> Void) {
    var (node, slot) = (node, slot)
    while node.level < tree.height {
      if node.index & 1 == 0 {
        // An only child stands for its parent.
        guard (node.index + 1) << node.level >= tree.leafCount else { break }
      } else {
        guard let left = entries.last, left.node.level == node.level, left.node.index == node.index - 1
        else { break }
        merge(left.slot, slot)
        slot = left.slot
        entries.removeLast()
      }
      node = ReductionTree.Node(level: node.level + 1, index: node.index >> 1)
    }
    entries.append((node, slot))
  }

  /// Forgets all subtrees, keeping the memory; the next ones are of `tree`.
  mutating func reset(to tree: ReductionTree) {
    self.tree = tree
    entries.removeAll(keepingCapacity: true)
  }
}
