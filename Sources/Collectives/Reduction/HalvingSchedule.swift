extension ReductionSchedule {
  /// The schedule of `ReductionAlgorithm.halving` for one party of those whose leaves are given: recursive halving, then recursive doubling
  /// (Rabenseifner's algorithm, see Thakur, Rabenseifner, Gropp 2005, §4.4), along the canonical tree and so for any
  /// number of parties, all of which have leaves.
  ///
  /// A node of the tree whose leaves belong to several parties is summed by all of them together, a part each. On the
  /// way up, the parties of two siblings divide the parent's sum anew: their parts are laid over one another, so that
  /// in the regular case everyone keeps half of its part and gives the other half to one party of the sibling. On the
  /// way down, everyone gets back what it gave away, from those who then have the root's sum of it.
  static func halving(
    tree: ReductionTree, leaves: [Range<Int>], party: Int, elementCount: Int
  ) -> ReductionSchedule {
    let division = TreeDivision(tree: tree, leaves: leaves, elementCount: elementCount)
    var schedule = ReductionSchedule(subtreeCount: division.subtreeCounts[party])
    schedule.rounds = Array(repeating: Round(), count: 2 * (division.roundCount - 1))
    schedule.addUpwardRounds(division, party: party)
    schedule.addDownwardRounds(division, party: party)
    schedule.rounds.removeAll(where: \.isEmpty)
    return schedule
  }

  private mutating func addUpwardRounds(_ division: TreeDivision, party: Int) {
    /// Where this party has its part of each sum: a buffer, and the element that lies at its start.
    var places: [Int: (buffer: Int, base: Int)] = [:]
    func piece(_ place: (buffer: Int, base: Int), _ elements: Range<Int>) -> Piece {
      Piece(
        buffer: place.buffer,
        range: elements.lowerBound - place.base..<elements.upperBound - place.base)
    }

    for (index, sum) in division.sums.enumerated() {
      guard let children = sum.children else {
        if sum.parts[0].party == party { places[index] = (sum.subtree, 0) }
        continue
      }
      let target = sum.parts.first { $0.party == party }
      var operands: [[(elements: Range<Int>, piece: Piece)]] = [[], []]
      for (side, child) in [children.left, children.right].enumerated() {
        let tag = 2 * index + side
        if let place = places[child], let own = division.sums[child].parts.first(where: { $0.party == party })
        {
          for part in division.parts(of: index, overlapping: own.elements) where part.party != party {
            let elements = part.elements.clamped(to: own.elements)
            rounds[sum.round - 1].sends.append(
              Transfer(
                peer: part.party, tag: tag, piece: piece(place, elements), firstElement: elements.lowerBound))
          }
        }
        guard let target else { continue }
        var inbox: (buffer: Int, base: Int)?
        for part in division.parts(of: child, overlapping: target.elements) {
          let elements = part.elements.clamped(to: target.elements)
          if part.party == party, let place = places[child] {
            operands[side].append((elements, piece(place, elements)))
            continue
          }
          let place = inbox ?? (makeScratch(count: target.elements.count), target.elements.lowerBound)
          inbox = place
          rounds[sum.round - 1].receives.append(
            Transfer(
              peer: part.party, tag: tag, piece: piece(place, elements), firstElement: elements.lowerBound))
          operands[side].append((elements, piece(place, elements)))
        }
      }
      guard let target else { continue }
      let place =
        index == division.root
        ? (result, 0) : (makeScratch(count: target.elements.count), target.elements.lowerBound)
      places[index] = place
      for left in operands[0] {
        for right in operands[1] where right.elements.overlaps(left.elements) {
          let elements = right.elements.clamped(to: left.elements)
          rounds[sum.round - 1].additions.append(
            Addition(
              left: piece(
                (left.piece.buffer, left.elements.lowerBound - left.piece.range.lowerBound), elements),
              right: piece(
                (right.piece.buffer, right.elements.lowerBound - right.piece.range.lowerBound), elements),
              target: piece(place, elements), firstElement: elements.lowerBound))
        }
      }
    }
  }

  /// Hands the root's sum down. All parties' possessions are followed, since nobody is sent what it has.
  private mutating func addDownwardRounds(_ division: TreeDivision, party: Int) {
    var held = Array(repeating: RangeSet<Int>(), count: division.subtreeCounts.count)
    for part in division.sums[division.root].parts { held[part.party].insert(contentsOf: part.elements) }
    let downward = division.sums.indices
      .filter { division.sums[$0].children != nil }
      .sorted {
        let (first, second) = (division.sums[$0].round, division.sums[$1].round)
        return first == second ? $0 < $1 : first > second
      }
    for index in downward {
      guard let children = division.sums[index].children else { continue }
      let round = rounds.count - division.sums[index].round
      for child in [children.left, children.right] {
        for part in division.sums[child].parts {
          for gap in RangeSet(part.elements).subtracting(held[part.party]).ranges {
            for source in division.parts(of: index, overlapping: gap) {
              guard source.party == party || part.party == party else { continue }
              let elements = source.elements.clamped(to: gap)
              let piece = Piece(buffer: result, range: elements)
              if source.party == party {
                rounds[round].sends.append(
                  Transfer(peer: part.party, tag: 0, piece: piece, firstElement: elements.lowerBound))
              } else {
                rounds[round].receives.append(
                  Transfer(peer: source.party, tag: 0, piece: piece, firstElement: elements.lowerBound))
              }
            }
          }
          held[part.party].insert(contentsOf: part.elements)
        }
      }
    }
  }
}

/// Which parties sum which elements of each of the tree's nodes that they share, the same for all of them.
private struct TreeDivision {
  /// The elements of a sum that a party is responsible for.
  struct Part {
    var party: Int
    var elements: Range<Int>
  }

  /// The sum of a node of the tree.
  struct Sum {
    /// By element, without gaps.
    var parts: [Part]
    /// 0 for what a party sums alone, one more than the later of the children for others.
    var round: Int
    /// Indices into `sums`; nil for what a party sums alone.
    var children: (left: Int, right: Int)?
    /// The number among its party's subtrees of a sum without children.
    var subtree = 0
  }

  /// Children before their parents, the root last.
  private(set) var sums: [Sum] = []
  /// The number of subtrees of each party.
  private(set) var subtreeCounts: [Int]
  private let elementCount: Int

  var root: Int { sums.count - 1 }
  var roundCount: Int { sums[root].round + 1 }

  init(tree: ReductionTree, leaves: [Range<Int>], elementCount: Int) {
    self.elementCount = elementCount
    subtreeCounts = Array(repeating: 0, count: leaves.count)
    var owners = Array(repeating: 0, count: tree.leafCount)
    for (party, range) in leaves.enumerated() {
      for leaf in range { owners[leaf] = party }
    }
    _ = divide(ReductionTree.Node(level: tree.height, index: 0), of: tree, owners: owners)
  }

  /// The parts of a sum that have elements in common with `elements`.
  func parts(of sum: Int, overlapping elements: Range<Int>) -> ArraySlice<Part> {
    let parts = sums[sum].parts
    var (low, high) = (0, parts.count)
    while low < high {
      let middle = (low + high) / 2
      if parts[middle].elements.upperBound <= elements.lowerBound { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < parts.count, parts[end].elements.lowerBound < elements.upperBound { end += 1 }
    return parts[low..<end]
  }

  private mutating func divide(_ node: ReductionTree.Node, of tree: ReductionTree, owners: [Int]) -> Int {
    let leaves = tree.leaves(of: node)
    let owner = owners[leaves.lowerBound]
    if owner == owners[leaves.upperBound - 1] {
      sums.append(
        Sum(
          parts: [Part(party: owner, elements: 0..<elementCount)], round: 0, subtree: subtreeCounts[owner]))
      subtreeCounts[owner] += 1
      return sums.count - 1
    }
    let children = [0, 1].map { ReductionTree.Node(level: node.level - 1, index: 2 * node.index + $0) }
    let left = divide(children[0], of: tree, owners: owners)
    // An only child stands for its parent.
    guard !tree.leaves(of: children[1]).isEmpty else { return left }
    let right = divide(children[1], of: tree, owners: owners)

    // In the order of the middles of their parts, everyone's new part lies in its old one or close to it.
    let parts = sums[left].parts + sums[right].parts
    let order = parts.indices.sorted {
      let (first, second) = (parts[$0].elements, parts[$1].elements)
      let middles = (first.lowerBound + first.upperBound, second.lowerBound + second.upperBound)
      return middles.0 == middles.1 ? $0 < $1 : middles.0 < middles.1
    }
    var parties: [Int] = []
    var seen: Set<Int> = []
    for index in order where seen.insert(parts[index].party).inserted { parties.append(parts[index].party) }
    let ranges = evenParts(0..<elementCount, count: parties.count)
    sums.append(
      Sum(
        parts: zip(parties, ranges).filter { !$1.isEmpty }.map { Part(party: $0, elements: $1) },
        round: max(sums[left].round, sums[right].round) + 1, children: (left, right)))
    return sums.count - 1
  }
}
