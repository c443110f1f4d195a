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
  /// Who keeps which of `totalSamples` samples in the epoch whose order is given: each rank what `division` deals it. The
  /// samples of steps before `firstStep` stay with those that have them under `old`.
  package init(
    _ plan: StepPlan, _ division: LeafDivision, order: [Int32], totalSamples: Int, firstStep: Int = 0,
    old: Placement? = nil
  ) {
    var owners = [Int32](repeating: Self.nobody, count: totalSamples)
    var leaves: (count: Int, ofRanks: [Range<Int>]) = (-1, [])
    for step in 0..<plan.batchCount {
      if step < firstStep, let old {
        for position in plan.positions(ofStep: step) {
          owners[Int(order[position])] = old.owners[Int(order[position])]
        }
        continue
      }
      let count = plan.leafCount(ofStep: step)
      if count != leaves.count { leaves = (count, division.leavesOfRanks(count)) }
      for (rank, range) in leaves.ofRanks.enumerated() {
        for position in plan.positions(ofLeaves: range, step: step) {
          owners[Int(order[position])] = Int32(rank)
        }
      }
    }
    self.init(order: order, owners: owners)
  }
}
