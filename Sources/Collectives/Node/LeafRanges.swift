internal import Synchronization

/// The leaves of a step that nobody has taken yet: a range for each rank of a node, in one atomic word each.
///
/// A rank takes its own leaves from the front, and others' from the back, so that both have neighbours, whose sums they
/// can merge. Nobody waits for anybody: a rank that is late finds its range opened, and perhaps shortened, by others.
struct LeafRanges {
  // A word holds the step's number, the first leaf and the end: 24, 20 and 20 bits.
  private static let leafBits: UInt64 = 20
  private static let leafMask: UInt64 = (1 << leafBits) - 1
  /// The leaves that a step can have at most.
  static let limit = Int(leafMask)

  private let words: LocalWords
  private let localRank: Int

  init(_ words: LocalWords, localRank: Int) {
    (self.words, self.localRank) = (words, localRank)
  }

  /// Opens a rank's range for a step, unless somebody has; `step` counts steps, all ranks alike.
  func open(_ rank: Int, step: UInt64, leaves: Range<Int>) {
    let old = words[rank].pointee.load(ordering: .relaxed)
    guard Self.step(old) != Self.tag(step) else { return }
    // Whoever fails was too late: the range is open.
    _ = words[rank].pointee.compareExchange(
      expected: old, desired: Self.word(step, leaves), ordering: .acquiringAndReleasing)
  }

  /// This rank's next leaf, nil if there is none left.
  func takeOwn() -> Int? {
    var word = words[localRank].pointee.load(ordering: .acquiring)
    while true {
      let leaves = Self.leaves(word)
      guard !leaves.isEmpty else { return nil }
      let (exchanged, original) = words[localRank].pointee.compareExchange(
        expected: word, desired: word + 1 << Self.leafBits, ordering: .acquiringAndReleasing)
      if exchanged { return leaves.lowerBound }
      word = original
    }
  }

  /// How many leaves another rank has left in a step that is open.
  func remaining(_ rank: Int) -> Int {
    Self.leaves(words[rank].pointee.load(ordering: .relaxed)).count
  }

  /// The last leaf of another rank; nil if it has none left.
  func take(from rank: Int) -> Int? {
    let word = words[rank].pointee.load(ordering: .acquiring)
    let leaves = Self.leaves(word)
    guard !leaves.isEmpty else { return nil }
    let (exchanged, _) = words[rank].pointee.compareExchange(
      expected: word, desired: word - 1, ordering: .acquiringAndReleasing)
    // Somebody was quicker: whom to take from is to be decided anew.
    return exchanged ? leaves.upperBound - 1 : nil
  }

  private static func tag(_ step: UInt64) -> UInt64 { step & 0xFF_FFFF }

  private static func step(_ word: UInt64) -> UInt64 { word >> (2 * leafBits) }

  private static func word(_ step: UInt64, _ leaves: Range<Int>) -> UInt64 {
    tag(step) << (2 * leafBits) | UInt64(leaves.lowerBound) << leafBits | UInt64(leaves.upperBound)
  }

  private static func leaves(_ word: UInt64) -> Range<Int> {
    let (first, end) = (Int(word >> leafBits & leafMask), Int(word & leafMask))
    return first..<max(first, end)
  }
}
