/// How often each class was taken for each.
package struct Confusion: Hashable, Sendable {
  /// `counts[truth][prediction]`.
  package let counts: [[Int]]

  package init(_ counts: [[Int]]) {
    self.counts = counts
  }

  package init(_ answers: [Answer], classCount: Int) {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for answer in answers { counts[answer.truth][answer.prediction] += 1 }
    self.counts = counts
  }

  /// The share of a class's samples that was found; nil without samples.
  package func recall(_ label: Int) -> Double? {
    let all = counts[label].reduce(0, +)
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The share of what was taken for a class that is of it; nil if nothing was.
  package func precision(_ label: Int) -> Double? {
    let all = counts.reduce(0) { $0 + $1[label] }
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The classes that images are of, the least found first; of classes found alike, that of more images, then the lower.
  package var leastFound: [Int] {
    let sums = counts.map { $0.reduce(0, +) }
    let shares = counts.indices.map { Double(counts[$0][$0]) / Double(max(sums[$0], 1)) }
    return counts.indices.filter { sums[$0] > 0 }.sorted {
      (shares[$0], sums[$1], $0) < (shares[$1], sums[$0], $1)
    }
  }

  /// The `limit` classes that are most often mistaken or taken for another, in order.
  package func mostConfused(_ limit: Int) -> [Int] {
    var wrong = [Int](repeating: 0, count: counts.count)
    for mistake in mistakes {
      wrong[mistake.truth] += mistake.count
      wrong[mistake.prediction] += mistake.count
    }
    return wrong.indices.sorted { (wrong[$1], $0) < (wrong[$0], $1) }.prefix(limit).sorted()
  }

  /// The mistakes, most frequent first.
  package var mistakes: [(truth: Int, prediction: Int, count: Int)] {
    counts.indices.flatMap { truth in
      counts[truth].indices.compactMap { prediction in
        truth == prediction || counts[truth][prediction] == 0
          ? nil : (truth: truth, prediction: prediction, count: counts[truth][prediction])
      }
    }.sorted { ($1.count, $0.truth, $0.prediction) < ($0.count, $1.truth, $1.prediction) }
  }
}
