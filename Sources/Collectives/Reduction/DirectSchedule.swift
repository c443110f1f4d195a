extension ReductionSchedule {
  /// The schedule of `ReductionAlgorithm.direct` for one party of those whose leaves are given: a reduce-scatter and an all-gather, each in one round.
  ///
  /// Where parties hold one subtree each, that moves 2·(P − 1)/P of the buffer per party, as little as any all-reduce
  /// can (Patarasuk, Yuan 2009).
  static func direct(
    tree: ReductionTree, leaves: [Range<Int>], party: Int, elementCount: Int
  ) -> ReductionSchedule {
    let nodes = leaves.map { tree.nodes(tiling: $0) }
    let slices = evenParts(0..<elementCount, count: leaves.count)
    let slice = slices[party]
    var schedule = ReductionSchedule(subtreeCount: nodes[party].count)
    var (scatter, gather) = (Round(), Round())

    /// This party's slice of all parties' subtrees, from left to right.
    var operands: [Piece] = []
    for peer in leaves.indices {
      for index in nodes[peer].indices {
        if peer == party {
          operands.append(Piece(buffer: index, range: slice))
          continue
        }
        let piece = Piece(buffer: schedule.makeScratch(count: slice.count), range: 0..<slice.count)
        operands.append(piece)
        if !slice.isEmpty {
          scatter.receives.append(
            Transfer(peer: peer, tag: index, piece: piece, firstElement: slice.lowerBound))
        }
      }
      if peer != party, !slices[peer].isEmpty {
        for index in nodes[party].indices {
          scatter.sends.append(
            Transfer(
              peer: peer, tag: index, piece: Piece(buffer: index, range: slices[peer]),
              firstElement: slices[peer].lowerBound))
        }
      }
    }

    var stack = SubtreeStack(tree: tree)
    for (slot, node) in nodes.joined().enumerated() {
      stack.push(node, slot) { left, right in
        scatter.additions.append(
          Addition(
            left: operands[left], right: operands[right], target: operands[left],
            firstElement: slice.lowerBound))
      }
    }
    let sum = Piece(buffer: schedule.result, range: slice)
    if scatter.additions.isEmpty {
      scatter.additions.append(
        Addition(left: operands[0], right: nil, target: sum, firstElement: slice.lowerBound))
    } else {
      scatter.additions[scatter.additions.count - 1].target = sum
    }

    for peer in leaves.indices where peer != party {
      if !slices[peer].isEmpty {
        gather.receives.append(
          Transfer(
            peer: peer, tag: 0, piece: Piece(buffer: schedule.result, range: slices[peer]),
            firstElement: slices[peer].lowerBound))
      }
      if !slice.isEmpty {
        gather.sends.append(
          Transfer(peer: peer, tag: 0, piece: sum, firstElement: slice.lowerBound))
      }
    }
    schedule.rounds = [scatter, gather]
    return schedule
  }
}
