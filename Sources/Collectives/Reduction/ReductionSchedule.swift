/// What one party sends, receives and adds to turn all parties' subtrees into the sum of all, round by round.
///
/// A party is a rank, or the ranks of a node for whom one speaks; parties have numbers. Buffers have numbers too:
/// 0..<subtreeCount are the party's own subtrees, from left to right, each of all elements;
/// `result` holds all elements too; those after it are scratch memory of the lengths in `scratchCounts`.
struct ReductionSchedule {
  /// A part of a numbered buffer, in elements of that buffer.
  struct Piece: Equatable {
    var buffer: Int
    var range: Range<Int>
  }

  /// A piece on its way, and the first of the sum's elements that it holds.
  struct Transfer {
    var peer: Int
    var tag: Int
    var piece: Piece
    var firstElement: Int
  }

  /// target ← left + right, or target ← left where there is no right; `target` may be `left`.
  struct Addition {
    var left: Piece
    var right: Piece?
    var target: Piece
    /// The first of the sum's elements that the pieces hold.
    var firstElement: Int
  }

  /// Messages that are under way together, then additions, in order.
  struct Round {
    var sends: [Transfer] = []
    var receives: [Transfer] = []
    var additions: [Addition] = []

    var isEmpty: Bool { sends.isEmpty && receives.isEmpty && additions.isEmpty }
  }

  let subtreeCount: Int
  var result: Int { subtreeCount }
  private(set) var scratchCounts: [Int] = []
  var rounds: [Round] = []

  init(subtreeCount: Int) {
    self.subtreeCount = subtreeCount
  }

  /// A new buffer of `count` elements.
  mutating func makeScratch(count: Int) -> Int {
    scratchCounts.append(count)
    return subtreeCount + scratchCounts.count
  }
}

/// How the parties' subtrees are brought together. All give the same bits: the tree prescribes the additions, an
/// algorithm only who makes them.
package enum ReductionAlgorithm: String, Sendable, CaseIterable {
  /// Every party sends each other one its slice, adds its own slice of all, and sends that to all: two rounds,
  /// 2·(P − 1) messages per party.
  case direct
  /// Neighbours in the tree exchange halves, then quarters with the neighbours' neighbours, and so on up the tree,
  /// and the other way round with the sums: 2·log₂ P rounds of one message or few. Most of the data stays between
  /// neighbours.
  case halving
}

/// Cuts `elementCount` elements into parts whose boundaries are multiples of a cache line, even to within one line.
func evenParts(_ elements: Range<Int>, count: Int) -> [Range<Int>] {
  let lines = (elements.count + 15) / 16
  return (0..<count).map { part in
    let first = min(elements.lowerBound + lines * part / count * 16, elements.upperBound)
    return first..<min(elements.lowerBound + lines * (part + 1) / count * 16, elements.upperBound)
  }
}
