/// What a rank says that a leaf's bits are.
package struct LeafClaim: Hashable, Sendable {
  package var rank: Int
  /// The rank's node.
  package var node: Int
  /// A hash of the leaf's bits.
  package var hash: UInt64

  package init(rank: Int, node: Int, hash: UInt64) {
    (self.rank, self.node, self.hash) = (rank, node, hash)
  }
}

/// Who is wrong where ranks that computed the same leaf claim different bits.
package struct LeafVerdict: Hashable, Sendable {
  /// The ranks that computed other bits than what the leaf has.
  package var wrong: [Int]
  /// The ranks of which some must be wrong too, and nobody can tell who.
  package var undecided: [Int]

  package init(wrong: [Int] = [], undecided: [Int] = []) {
    (self.wrong, self.undecided) = (wrong, undecided)
  }

  /// By majority: whoever does not claim what more than half of the voters claim is wrong.
  ///
  /// Voters are nodes where several have computed the leaf, since what is wrong with a node may hit all its ranks; else
  /// they are ranks. A node speaks for every hash that one of its ranks has.
  package static func byMajority(_ claims: [LeafClaim]) -> LeafVerdict {
    guard let truth = majority(of: claims) else {
      return LeafVerdict(undecided: claims.map(\.rank).sorted())
    }
    return LeafVerdict(wrong: claims.filter { $0.hash != truth }.map(\.rank).sorted())
  }

  /// As `byMajority`, once all ranks have computed the leaf again. A rank that claimed something else before is wrong, by its
  /// own word, which then counts for nothing; what the others say now decides on the rest.
  package static func onAppeal(_ claims: [LeafClaim], recomputed: [LeafClaim]) -> LeafVerdict {
    let words = Dictionary(recomputed.map { ($0.rank, $0.hash) }) { first, _ in first }
    let (steady, fickle) = (
      claims.filter { words[$0.rank] == $0.hash }, claims.filter { words[$0.rank] != $0.hash }
    )
    var verdict = LeafVerdict(wrong: fickle.map(\.rank).sorted())
    guard Set(steady.map(\.hash)).count > 1 else { return verdict }
    let out = Set(verdict.wrong)
    let witnesses = recomputed.filter { !out.contains($0.rank) }
    if majority(of: witnesses) == nil {
      verdict.undecided = steady.map(\.rank).sorted()
    } else {
      verdict.wrong = (verdict.wrong + byMajority(witnesses).wrong).sorted()
    }
    return verdict
  }

  /// The hash that more than half of the voters have, and no other as many; nil if there is none.
  private static func majority(of claims: [LeafClaim]) -> UInt64? {
    let byNode = Set(claims.map(\.node)).count > 1
    let voters = Set(claims.map { byNode ? $0.node : $0.rank }).count
    let support = Dictionary(grouping: claims) { $0.hash }
      .mapValues { Set($0.map { byNode ? $0.node : $0.rank }).count }
    guard let (hash, count) = support.max(by: { $0.value < $1.value }), 2 * count > voters,
      support.count(where: { $0.value == count }) == 1
    else { return nil }
    return hash
  }
}
