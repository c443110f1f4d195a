extension ReductionSchedule {
  /// The schedule of `ReductionAlgorithm.direct` for one rank: a reduce-scatter and an all-gather, each in one round.
  ///
  /// Where ranks hold one subtree each, that moves 2·(P − 1)/P of the buffer per rank, as little as any all-reduce
  /// can (Patarasuk, Yuan 2009).
  static func direct(tree: ReductionTree, worldSize: Int, rank: Int, elementCount: Int) -> ReductionSchedule {
    let nodes = (0..<worldSize).map { tree.nodes(tiling: tree.leaves(of: $0, worldSize: worldSize)) }
    let slices = evenParts(0..<elementCount, count: worldSize)
    let slice = slices[rank]
    var schedule = ReductionSchedule(subtreeCount: nodes[rank].count)
    var (scatter, gather) = (Round(), Round())

    /// This rank's slice of all ranks' subtrees, from left to right.
    var operands: [Piece] = []
    for peer in 0..<worldSize {
      for index in nodes[peer].indices {
        if peer == rank {
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
      if peer != rank, !slices[peer].isEmpty {
        for index in nodes[rank].indices {
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

    for peer in 0..<worldSize where peer != rank {
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
