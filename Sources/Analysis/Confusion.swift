/// How often each class was taken for each.
public struct Confusion: Hashable, Sendable {
  /// `counts[truth][prediction]`.
  public let counts: [[Int]]

  public init(_ counts: [[Int]]) {
    self.counts = counts
  }

  public init(_ answers: [Answer], classCount: Int) {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for answer in answers { counts[answer.truth][answer.prediction] += 1 }
    self.counts = counts
  }

  /// The share of a class's samples that was found; nil without samples.
  public func recall(_ label: Int) -> Double? {
    let all = counts[label].reduce(0, +)
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The share of what was taken for a class that is of it; nil if nothing was.
  public func precision(_ label: Int) -> Double? {
    let all = counts.reduce(0) { $0 + $1[label] }
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The mistakes, most frequent first.
  public var mistakes: [(truth: Int, prediction: Int, count: Int)] {
    counts.indices.flatMap { truth in
      counts[truth].indices.compactMap { prediction in
        truth == prediction || counts[truth][prediction] == 0
          ? nil : (truth: truth, prediction: prediction, count: counts[truth][prediction])
      }
    }.sorted { ($1.count, $0.truth, $0.prediction) < ($0.count, $1.truth, $1.prediction) }
  }
}

/// An interval for a probability of which `successes` of `count` are known: Wilson's score interval (Wilson 1927,
/// "Probable inference, the law of succession, and statistical inference"), 95 %.
public func wilsonInterval(successes: Int, count: Int) -> ClosedRange<Double> {
  guard count > 0 else { return 0...1 }
  let z = 1.959963984540054
  let n = Double(count)
  let p = Double(successes) / n
  let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  return max(middle - half, 0)...min(middle + half, 1)
}
