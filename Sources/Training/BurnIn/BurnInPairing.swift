internal import Tensors

/// Which ranks compute the same leaves in a round of a burn-in, and which exchange messages: functions of the round
/// and of what ranks the nodes have, so that all ranks know without a word.
package struct BurnInPairing: Hashable, Sendable {
  /// The ranks of each node.
  package let nodes: [[Int]]

  /// Pairings of the ranks of `nodes`, each of which has one or more.
  package init(nodes: [[Int]]) {
    self.nodes = nodes
  }

  /// The sets of ranks that compute the same leaves in a round; each rank is in one.
  ///
  /// Three nodes, drawn anew in each round, are compared with one another, core by core: the least number in which one
  /// that is wrong stands alone. Up to two nodes more join the last three. Of two nodes all ranks compute the same; of one
  /// node its ranks are compared in threes.
  package func comparisons(round: Int) -> [[Int]] {
    switch nodes.count {
    case 1: return Self.threes(of: nodes[0], round: round).map { $0.sorted() }
    case 2: return [nodes.flatMap { $0 }.sorted()]
    default:
      return Self.threes(of: nodes, round: round).flatMap { group in
        let cores = group.map(\.count).min() ?? 1
        return (0..<cores).map { core in
          group.enumerated().flatMap { place, ranks in
            ranks.indices.filter { ($0 + place * round) % cores == core }.map { ranks[$0] }
          }.sorted()
        }
      }
    }
  }

  /// Divides units in a random order into threes, the last of which has up to two more.
  private static func threes<Unit>(of units: [Unit], round: Int) -> [[Unit]] {
    let order = CounterGenerator(seed: 0, for: .burnIn, UInt64(round)).permutation(of: units.count)
    let count = max(units.count / 3, 1)
    return (0..<count).map { group in
      order[3 * group..<(group == count - 1 ? units.count : 3 * group + 3)].map { units[Int($0)] }
    }
  }

  /// Whom a rank exchanges messages with in a round: in turn a rank of each other node; a rank of its own node where that
  /// is the only one, or has more ranks than the other, or has no partner in this round; nil if nobody is left.
  package func partner(of rank: Int, round: Int) -> Int? {
    guard let own = nodes.firstIndex(where: { $0.contains(rank) }) else { return nil }
    var (rest, turn) = (nodes[own], round)
    if let other = Self.partner(of: own, count: nodes.count, round: round) {
      let pairs = min(nodes[own].count, nodes[other].count)
      let place = nodes[own].firstIndex(of: rank) ?? 0
      // Which ranks meet changes once all nodes have met.
      let shift = round / max(nodes.count - 1, 1)
      if place < pairs {
        return nodes[other][(own < other ? place + shift : place + pairs - shift % pairs) % pairs]
      }
      rest = Array(rest.dropFirst(pairs))
      turn = shift
    }
    guard let place = rest.firstIndex(of: rank) else { return nil }
    return Self.partner(of: place, count: rest.count, round: turn).map { rest[$0] }
  }

  /// Whether a rank and its partner exchange messages in a round's first half, while others compute: so cores and
  /// network are at work at the same time.
  package func exchangesFirst(_ rank: Int, round: Int) -> Bool {
    let lower = min(rank, partner(of: rank, round: round) ?? rank)
    let place = nodes.lazy.compactMap { $0.firstIndex(of: lower) }.first ?? 0
    return (place + round) % 2 == 0
  }

  /// The circle method for round-robin tournaments (Kirkman 1850): in any `count` − 1 rounds that follow one another, or
  /// `count` where that is odd, everybody meets everybody else once. nil: this round's odd one.
  private static func partner(of index: Int, count: Int, round: Int) -> Int? {
    guard count > 1 else { return nil }
    let even = count + count % 2
    let circle = even - 1
    let turn = round % circle
    // The last one stands in the middle, and meets whoever would meet himself.
    let other =
      index == circle
      ? turn * (even / 2) % circle
      : (turn - index + circle) % circle == index ? circle : (turn - index + circle) % circle
    return other < count ? other : nil
  }
}
