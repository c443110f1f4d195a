package import Collectives

/// Which rank keeps which samples, and in what order.
package struct Placement: Sendable {
  /// The owner of a sample that a placement leaves out.
  package static let nobody: Int32 = -1

  /// The samples, as indices into the training or test part, position by position.
  package let order: [Int32]
  /// For each sample of the part the rank that keeps it, or `nobody`.
  package let owners: [Int32]

  /// Contiguous runs of samples, `ranges[rank]` for each rank, of a part with `totalSamples`.
  package init(ranges: [Range<Int>], totalSamples: Int) {
    var owners = [Int32](repeating: Self.nobody, count: totalSamples)
    var order: [Int32] = []
    for (rank, range) in ranges.enumerated() {
      for sample in range {
        owners[sample] = Int32(rank)
        order.append(Int32(sample))
      }
    }
    self.init(order: order, owners: owners)
  }

  package init(order: [Int32], owners: [Int32]) {
    self.order = order
    self.owners = owners
  }

  /// The samples that `rank` keeps, in the order it keeps them.
  package func samples(of rank: Int) -> [Int32] {
    order.filter { owners[Int($0)] == Int32(rank) }
  }
}

extension Placement {
  /// Who has which samples in the epoch whose order is given, if they now lie as `old` says: each node has those of its
  /// leaves under `division`, from `firstStep` on. What a node has already stays where it is.
  package init(_ plan: StepPlan, _ division: LeafDivision, order: [Int32], firstStep: Int = 0, old: Placement)
  {
    var nodeOfRank = [Int](repeating: 0, count: division.worldSize)
    for (node, ranks) in division.nodes.enumerated() { for rank in ranks { nodeOfRank[rank] = node } }
    var owners = [Int32](repeating: Self.nobody, count: old.owners.count)
    var counts = [Int](repeating: 0, count: division.worldSize)
    /// Samples that come from elsewhere, by node.
    var arriving = [[Int32]](repeating: [], count: division.nodes.count)
    func place(_ positions: Range<Int>, on node: Int?) {
      for position in positions {
        let sample = order[position]
        let owner = Int(old.owners[Int(sample)])
        if node == nil || nodeOfRank[owner] == node {
          owners[Int(sample)] = Int32(owner)
          counts[owner] += 1
        } else if let node {
          arriving[node].append(sample)
        }
      }
    }
    var leaves: (count: Int, ofNodes: [Range<Int>]) = (-1, [])
    for step in 0..<plan.batchCount {
      guard step >= firstStep else {
        place(plan.positions(ofStep: step), on: nil)
        continue
      }
      let count = plan.leafCount(ofStep: step)
      if count != leaves.count { leaves = (count, division.leavesOfNodes(count)) }
      for (node, range) in leaves.ofNodes.enumerated() {
        place(plan.positions(ofLeaves: range, step: step), on: node)
      }
    }
    // To the rank of the node that has least.
    for (node, samples) in arriving.enumerated() {
      for sample in samples {
        let rank = division.nodes[node].min { counts[$0] < counts[$1] } ?? 0
        owners[Int(sample)] = Int32(rank)
        counts[rank] += 1
      }
    }
    self.init(order: order, owners: owners)
  }
}
