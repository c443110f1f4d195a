internal import Formatting
package import Runs

/// Which pieces of a run are re-executed, and what cannot be.
package struct VerificationPlan: Codable, Hashable, Sendable {
  /// Steps that are taken one after the other from where the state is known.
  package struct Piece: Codable, Hashable, Sendable {
    package var start: ReplayStart
    /// The last step.
    package var end: Int

    package init(start: ReplayStart, end: Int) {
      (self.start, self.end) = (start, end)
    }
  }

  /// In the order of their steps; where one begins with the step that the one before ended with, its state is at hand.
  package private(set) var pieces: [Piece] = []
  /// Steps of those asked for that can be re-executed.
  package private(set) var checkable = 0
  /// Steps that were drawn; nil where all are asked for.
  package private(set) var drawn: Int?
  /// Why some cannot, a sentence each.
  package private(set) var omissions: [String] = []

  /// Plans the re-execution of `steps` of a receipt, or of `sample` of them drawn at random.
  ///
  /// `obstacle` says why steps under some conditions cannot be re-executed here, nil if they can. From each of `starts`
  /// the steps up to the next one are reached.
  package init(
    _ receipt: Receipt, steps: ClosedRange<Int>, sample: Int?, starts: [ReplayStart],
    obstacle: (Receipt.Conditions) -> String?, using generator: inout some RandomNumberGenerator
  ) {
    let starts = starts.filter { receipt.firstStep..<max(receipt.lastStep, receipt.firstStep + 1) ~= $0.step }
      .sorted { ($0.step, $0.file ?? "") < ($1.step, $1.file ?? "") }
    // The last step before each start's end that no obstacle lies before.
    let obstacles = receipt.segments.indices.compactMap { index -> (Range<Int>, String)? in
      guard let reason = obstacle(receipt.segments[index].conditions) else { return nil }
      let end =
        index + 1 < receipt.segments.count ? receipt.segments[index + 1].step : receipt.lastStep
      return (receipt.segments[index].step + 1..<end + 1, reason)
    }
    var reached: [(start: ReplayStart, steps: Range<Int>)] = []
    for (index, start) in starts.enumerated() {
      if index > 0, starts[index - 1].step == start.step { continue }
      let next = starts[(index + 1)...].first { $0.step > start.step }?.step ?? receipt.lastStep
      let blocked = obstacles.first { $0.0.upperBound > start.step + 1 && !$0.0.isEmpty }?.0.lowerBound
      let end = min(next, max((blocked ?? Int.max) - 1, start.step))
      if end > start.step { reached.append((start, start.step + 1..<end + 1)) }
    }
    let asked = steps.lowerBound..<steps.upperBound + 1
    let wanted = reached.map { $0.steps.clamped(to: asked) }
    checkable = wanted.reduce(0) { $0 + $1.count }
    var isWanted: (Int) -> Bool = { _ in true }
    if let sample {
      let chosen = Self.draw(min(sample, checkable), of: checkable, using: &generator)
      drawn = chosen.count
      var before = 0
      var numbers = Set<Int>()
      for range in wanted {
        for index in chosen where (before..<before + range.count) ~= index {
          numbers.insert(range.lowerBound + index - before)
        }
        before += range.count
      }
      isWanted = { numbers.contains($0) }
    }
    for (index, range) in wanted.enumerated() {
      guard let last = range.last(where: isWanted) else { continue }
      pieces.append(Piece(start: reached[index].start, end: last))
    }
    omissions = Self.omissions(asked, reached: reached.map(\.steps), obstacles: obstacles, receipt)
  }

  /// Different numbers below `bound`, all sets of so many being equally likely (Floyd's algorithm; Bentley, Floyd 1987).
  private static func draw(
    _ count: Int, of bound: Int, using generator: inout some RandomNumberGenerator
  ) -> Set<Int> {
    var chosen = Set<Int>()
    for top in bound - count..<bound {
      let number = Int.random(in: 0...top, using: &generator)
      chosen.insert(chosen.contains(number) ? top : number)
    }
    return chosen
  }

  private static func omissions(
    _ asked: Range<Int>, reached: [Range<Int>], obstacles: [(Range<Int>, String)], _ receipt: Receipt
  ) -> [String] {
    var sentences: [String] = []
    var next = asked.lowerBound
    func add(_ gap: Range<Int>) {
      var first = gap.lowerBound
      while first < gap.upperBound {
        let blocked = obstacles.first { $0.0.upperBound > first && !$0.0.isEmpty }
        if let blocked, blocked.0.contains(first) {
          let end = min(blocked.0.upperBound, gap.upperBound)
          sentences.append("\(words(first..<end)) cannot be checked: \(blocked.1)")
          first = end
        } else {
          let end = min(blocked?.0.lowerBound ?? Int.max, gap.upperBound)
          sentences.append(
            "\(words(first..<end)) cannot be checked: no checkpoint before \(end - first == 1 ? "it" : "them") is "
              + "left to begin with"
              + (receipt.firstStep > 0
                ? ", and the receipt begins after step \(Numbers.grouped(receipt.firstStep))" : ""))
          first = end
        }
      }
    }
    for range in reached where range.upperBound > next && range.lowerBound < asked.upperBound {
      if range.lowerBound > next { add(next..<range.lowerBound) }
      next = max(next, range.upperBound)
    }
    if next < asked.upperBound { add(next..<asked.upperBound) }
    return sentences
  }

  private static func words(_ steps: Range<Int>) -> String {
    steps.count == 1
      ? "step \(Numbers.grouped(steps.lowerBound))"
      : "steps \(Numbers.grouped(steps.lowerBound)) to \(Numbers.grouped(steps.upperBound - 1))"
  }

  /// The chance that none of `drawn` steps, of `count` in all, is one of those that are wrong, `share` of them: the
  /// hypergeometric distribution at 0.
  package static func chanceOfMissing(share: Double, drawn: Int, count: Int) -> Double {
    let wrong = Int((share * Double(count)).rounded(.up))
    guard drawn + wrong <= count else { return 0 }
    return (0..<drawn).reduce(1) { $0 * Double(count - wrong - $1) / Double(count - $1) }
  }
}
