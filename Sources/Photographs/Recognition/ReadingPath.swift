/// The best way through ink from one end to the other, over places where it may be parted (Bellman, "On a routing problem",
/// 1958). Places are numbered from left to right, beginning with 0.
struct ReadingPath {
  /// A part of the way.
  struct Step {
    /// What was offered for it; nil where a place was stepped over.
    let candidate: Int?
    let isDigit: Bool
    /// What it adds to the score of the whole.
    let score: Float
  }

  /// The best way to each place so far: its score, where its last step began, and what that was.
  private var best: [(score: Float, from: Int, candidate: Int?, isDigit: Bool)]

  /// A path to the place number `last`.
  init(to last: Int) {
    best = Array(repeating: (-.infinity, -1, nil, false), count: last + 1)
    best[0].score = 0
  }

  /// Whether some way leads to a place.
  func reaches(_ place: Int) -> Bool { best[place].score > -.infinity }

  /// Offers what lies between two places, which scores differently as a digit and as something else. All ways to the first
  /// one have been offered.
  mutating func offer(
    _ candidate: Int?, from first: Int, to last: Int, asDigit: Float = -.infinity, asJunk: Float
  ) {
    let before = best[first].score
    if before + asDigit > best[last].score { best[last] = (before + asDigit, first, candidate, true) }
    if before + asJunk > best[last].score { best[last] = (before + asJunk, first, candidate, false) }
  }

  /// The steps of the best way to the last place, from left to right; none if there is no way.
  var steps: [Step] {
    var steps: [Step] = []
    var place = best.count - 1
    while place > 0, best[place].from >= 0 {
      let (score, from, candidate, isDigit) = best[place]
      steps.append(Step(candidate: candidate, isDigit: isDigit, score: score - best[from].score))
      place = from
    }
    return place == 0 ? steps.reversed() : []
  }
}
