/// How well pages were read whose digits are known.
package struct ReadingScore: Sendable, Equatable {
  package var pages = 0
  package var digits = 0
  /// Digits read as another.
  package var wrong = 0
  /// Digits not found.
  package var missed = 0
  /// Digits found where there is none.
  package var invented = 0
  /// Pages on which all is right.
  package var flawless = 0

  package init() {}

  /// What is wrong in any way, as part of the digits that are there; of pages without digits, invented ones a page.
  package var errorRate: Double { Double(wrong + missed + invented) / Double(max(digits, 1)) }

  /// Adds what was read of a page. A digit that was read belongs to the nearest one that is there and not taken, within
  /// two thirds of its size.
  package mutating func add(_ reading: Reading, of page: PageComposer.Page) {
    let truth = page.rows.flatMap { $0 }
    let read = reading.rows.flatMap { $0 }
    var pairs: [(distance: Float, truth: Int, read: Int)] = []
    for (i, digit) in truth.enumerated() {
      for (j, other) in read.enumerated() {
        let box = other.box
        let d = SIMD2(box.left + box.width / 2, box.top + box.height / 2) - digit.centre
        let distance = (d * d).sum().squareRoot()
        if distance < 0.67 * digit.size { pairs.append((distance / digit.size, i, j)) }
      }
    }
    pairs.sort { ($0.distance, $0.truth) < ($1.distance, $1.truth) }
    var found = [Bool](repeating: false, count: truth.count)
    var used = [Bool](repeating: false, count: read.count)
    var wrong = 0
    for pair in pairs where !found[pair.truth] && !used[pair.read] {
      found[pair.truth] = true
      used[pair.read] = true
      if truth[pair.truth].digit != read[pair.read].digit { wrong += 1 }
    }
    let missed = found.count { !$0 }
    let invented = used.count { !$0 }
    pages += 1
    digits += truth.count
    self.wrong += wrong
    self.missed += missed
    self.invented += invented
    if wrong + missed + invented == 0 { flawless += 1 }
  }

  package mutating func add(_ other: ReadingScore) {
    pages += other.pages
    digits += other.digits
    wrong += other.wrong
    missed += other.missed
    invented += other.invented
    flawless += other.flawless
  }
}

extension ReadingScore {
  /// Composes pages 0..<pages, reads them by `workers` threads, each with a reader of its own, and counts.
  ///
  /// - Throws: what `makeReader` throws.
  package static func measured(
    _ composer: PageComposer, pages: Int, _ difficulty: PageComposer.Difficulty, workers: Int,
    makeReader: () throws -> PhotographReader
  ) throws -> ReadingScore {
    let readers = ReaderPool(try (0..<max(workers, 1)).map { _ in try makeReader() })
    let scores = concurrentMap(pages, workers: workers) { index in
      let page = composer.page(index, difficulty)
      var score = ReadingScore()
      score.add(readers.with { $0.read(page.picture) }, of: page)
      return score
    }
    return scores.reduce(into: ReadingScore()) { $0.add($1) }
  }
}
