package import Collectives

/// How the leaves of a step are divided among nodes.
package enum DealPolicy: String, Sendable, CaseIterable {
  /// By need: ranks of a node take leaves as they get free, and nodes get shares after their speeds.
  case speed
  /// The same share for every rank, whatever it takes it: for comparison.
  case equal
}

/// When shares are looked at anew, and what they become: one rule that all ranks follow with the same numbers.
///
/// What a leaf costs a node is smoothed, so that one slow moment does not swing the shares, and no node gets more than
/// twice or less than an eighth of what it would get among equals.
package struct DealRule {
  /// The first look comes after so many steps, without those that find cold caches; each next one after twice as many, up
  /// to `longest`.
  private static let shortest = 4
  private static let longest = 256
  package static let coldSteps = 2
  /// Shares change where that makes steps shorter by so much: equal ones have fewer subtrees to send, and it must not be
  /// noise that moves them.
  private static let worthwhile = 0.03
  /// The weight of a new measurement.
  private static let smoothing = 0.5
  /// A node gets at most so many times its share among equals, for which there is memory.
  static let most = 2.0
  private static let least = 1.0 / 8

  package let nodes: [[Int]]
  /// What a leaf takes each node, in seconds; none before the first measurement.
  private var costs: [Double] = []
  private var next = Self.coldSteps + Self.shortest
  private var interval = Self.shortest

  package init(nodes: [[Int]]) {
    self.nodes = nodes
  }

  /// Whether shares are looked at after so many steps of this process.
  package mutating func isDue(afterSteps steps: Int) -> Bool {
    guard steps >= next else { return false }
    interval = min(2 * interval, Self.longest)
    next = steps + interval
    return true
  }

  /// The division after a measurement: what each rank computed since the last one, and how long that took.
  package mutating func division(after work: [LeafWork]) -> LeafDivision {
    // Leaves per second of all ranks of a node.
    let speeds = nodes.map { node in
      node.reduce(0.0) { sum, rank in
        sum + (work[rank].seconds > 0 ? Double(work[rank].leaves) / work[rank].seconds : 0)
      }
    }
    // A node that computed nothing tells nothing.
    if speeds.allSatisfy({ $0 > 0 }) {
      costs =
        costs.isEmpty
        ? speeds.map { 1 / $0 } : zip(costs, speeds).map { $0 + Self.smoothing * (1 / $1 - $0) }
    }
    return costs.isEmpty ? LeafDivision(equalAmong: nodes) : LeafDivision(nodes, costs: limitedCosts)
  }

  /// Costs whose shares keep the limits, in any unit.
  private var limitedCosts: [Int] {
    let ranks = nodes.reduce(0) { $0 + $1.count }
    let equal = nodes.map { Double($0.count) / Double(ranks) }
    let all = costs.reduce(0) { $0 + 1 / $1 }
    let speeds = zip(costs, equal).map { max(1 / $0 / all, Self.least * $1) }
    // What a node may not have goes to the others, which may bring them to the limit in turn.
    var shares = speeds
    var limited = Set<Int>()
    while true {
      let rest = 1 - limited.reduce(0) { $0 + Self.most * equal[$1] }
      let free = speeds.indices.reduce(0) { $0 + (limited.contains($1) ? 0 : speeds[$1]) }
      for node in shares.indices {
        shares[node] = limited.contains(node) ? Self.most * equal[node] : speeds[node] / free * rest
      }
      let over = shares.indices.filter { !limited.contains($0) && shares[$0] > Self.most * equal[$0] }
      guard !over.isEmpty else { break }
      limited.formUnion(over)
    }
    return shares.map { Int((1e6 / $0).rounded()) }
  }

  /// Whether steps of `leafCount` leaves get so much shorter by another division that it is worth a change.
  func isWorthwhile(_ new: LeafDivision, instead old: LeafDivision, leafCount: Int) -> Bool {
    func seconds(_ division: LeafDivision) -> Double {
      zip(division.leavesOfNodes(leafCount), costs).map { Double($0.count) * $1 }.max() ?? 0
    }
    return seconds(new) < (1 - Self.worthwhile) * seconds(old)
  }

  /// Samples that a rank may have to keep under any division that this rule makes of `plan`.
  package static func capacity(_ plan: StepPlan, nodes: [[Int]]) -> Int {
    let ranks = nodes.reduce(0) { $0 + $1.count }
    let leaves = (0..<plan.batchCount).map { plan.leafCount(ofStep: $0) }
    // A leaf more or less where shares are rounded, for the node and for the rank on it.
    let most = leaves.map { count in
      nodes.count == 1
        ? (count + ranks - 1) / ranks
        : min(Int((Self.most * Double(count) / Double(ranks)).rounded(.up)) + 2, count)
    }
    return min(most.reduce(0, +) * plan.microBatch, plan.sampleCount)
  }
}
