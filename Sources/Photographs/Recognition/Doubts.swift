/// Takes back what looks like a digit where the page speaks against it: most things that are none look like one from some
/// side, and the network sees each by itself.
struct Doubts {
  let costs: ReadingCosts
  private let components: [Component]

  /// Digits of one number are no farther apart, in heights of their row.
  private static let farthest: Float = 1.3
  /// What is no digit counts if it is so high, in heights of its row.
  private static let leastOther: Float = 0.45

  init(costs: ReadingCosts, components: Components) {
    self.costs = costs
    self.components = components.all
  }

  /// The rows of a page without the digits that are none.
  func settled(_ rows: [[StripReading]]) -> [[StripReading]] {
    var rows = rows
    var count = Int.max
    // What is taken back speaks for nothing any more.
    while case let left = rows.joined().count(where: \.isDigit), left < count {
      count = left
      rows = withoutLoneBars(withoutFragments(withoutFrames(withoutStrays(rows.map(withoutWords)))))
      rows = rows.map(withoutGuesses)
    }
    return rows
  }

  /// Takes all digits of a row back if half of them are unsure: the parts of letters and drawings look like digits now
  /// and then, those of a number nearly all do.
  private func withoutGuesses(_ parts: [StripReading]) -> [StripReading] {
    let confidences = parts.filter(\.isDigit).map(\.confidence).sorted()
    guard confidences.count > 2, confidences[confidences.count / 2] < costs.leastMedian else { return parts }
    return parts.map { part in
      var part = part
      part.isDigit = false
      return part
    }
  }

  /// Takes digits back that share their ink with something else, or that stand in a word: most of their close neighbours
  /// are none.
  private func withoutWords(_ parts: [StripReading]) -> [StripReading] {
    let others = parts.filter { !$0.isDigit && $0.height > Self.leastOther }
    let confidences = parts.filter(\.isDigit).map(\.confidence).sorted()
    let isWord = !confidences.isEmpty && 2 * others.count > confidences.count
    return parts.map { part in
      var part = part
      if isWord, confidences[confidences.count / 2] < costs.leastAmongOthers { part.isDigit = false }
      // What is left of a letter may be small.
      let isShort = confidences.count <= 2
      let rests = isWord || isShort ? parts.filter { !$0.isDigit && $0.height > 0.2 } : others
      if rests.contains(where: { !$0.components.isDisjoint(with: part.components) }) { part.isDigit = false }
      func isNear(_ other: StripReading) -> Bool {
        max(other.left - part.right, part.left - other.right) < 0.6 && other.left != part.left
      }
      let close = others.count(where: isNear)
      let digits = parts.count { $0.isDigit && isNear($0) }
      if close > digits, close > 1 || part.confidence < 0.98 { part.isDigit = false }
      return part
    }
  }

  /// Takes digits back that stand alone, or in twos, and are not sure: more often than not something else looks like a
  /// digit. Less sure will do where longer rows have digits of the same height.
  private func withoutStrays(_ rows: [[StripReading]]) -> [[StripReading]] {
    let numbers = rows.filter { $0.count(where: \.isDigit) > 2 }
    let heights = numbers.joined().filter(\.isDigit).map(\.pixelHeight).sorted()
    let hasOthers = rows.joined().contains { !$0.isDigit && $0.height > Self.leastOther }
    return rows.map { row in
      guard row.count(where: \.isDigit) <= 2 else { return row }
      return row.map { part in
        var part = part
        let fits = !heights.isEmpty && (0.7...1.4).contains(part.pixelHeight / heights[heights.count / 2])
        part.isDigit =
          part.isDigit
          && part.confidence >= (fits ? costs.leastBeside : hasOthers ? costs.leastAlone : costs.leastOnly)
        return part
      }
    }
  }

  /// Takes digits back that have other ink inside, as stamps have: zeros, and of one or two in a row all. Among more, what
  /// lies below the arm of a 7 is its neighbour.
  private func withoutFrames(_ rows: [[StripReading]]) -> [[StripReading]] {
    rows.map { row in
      let isShort = row.count(where: \.isDigit) <= 2
      return row.map { part in
        guard part.isDigit, isShort || part.best == 0 else { return part }
        let (xs, ys) = (part.corners.map(\.x).sorted(), part.corners.map(\.y).sorted())
        // The two middle ones: of a turned box what is surely inside.
        let isFrame = components.contains { piece in
          !part.components.contains(piece.label) && (xs[1]...xs[2]).contains(piece.centre.x)
            && (ys[1]...ys[2]).contains(piece.centre.y)
            && Float(max(piece.width, piece.height)) > 0.25 * part.pixelHeight
        }
        var part = part
        part.isDigit = !isFrame
        return part
      }
    }
  }

  /// Takes digits back that were cut from one piece of ink which stands by itself, unless the page has nothing else: most
  /// letters can be cut into digits, if one counts bars as such.
  private func withoutFragments(_ rows: [[StripReading]]) -> [[StripReading]] {
    guard Set(rows.joined().map(\.components)).count > 1 else { return rows }
    return rows.map { row in
      let digits = row.filter(\.isDigit)
      return row.map { part in
        let (own, rest) = digits.partitioned { !$0.components.isDisjoint(with: part.components) }
        guard own.count > 1, own.count(where: \.isUnmistakable) < 2 else { return part }
        let hasNeighbour = rest.contains { other in
          let isWhole = !rest.contains {
            $0.left != other.left && !$0.components.isDisjoint(with: other.components)
          }
          return (isWhole && other.confidence >= costs.leastNeighbour || other.isUnmistakable)
            && own.contains { max(other.left - $0.right, $0.left - other.right) < Self.farthest }
        }
        var part = part
        part.isDigit = part.isDigit && hasNeighbour
        return part
      }
    }
  }

  /// Takes back ones that stand alone in their rows, unless other digits of their height are there, or nothing else at all: a
  /// bar is the most common thing that is no digit.
  private func withoutLoneBars(_ rows: [[StripReading]]) -> [[StripReading]] {
    let digits = rows.joined().filter { $0.isDigit && $0.best != 1 }
    let heights = digits.map(\.pixelHeight).sorted()
    let others = rows.joined().count { !$0.isDigit && $0.height > Self.leastOther }
    return rows.map { row in
      guard row.filter(\.isDigit).allSatisfy({ $0.best == 1 }), row.count(where: \.isDigit) <= 2 else {
        return row
      }
      let isAlone = digits.isEmpty && others == 0
      let isBesideOthers = row.contains { !$0.isDigit && $0.height > Self.leastOther }
      return row.map { part in
        var part = part
        let fits = !heights.isEmpty && (0.6...1.5).contains(part.pixelHeight / heights[heights.count / 2])
        part.isDigit = part.isDigit && (isAlone || fits && !isBesideOthers)
        return part
      }
    }
  }
}

extension Array {
  /// Those that `isFirst` is true of, and the others.
  fileprivate func partitioned(by isFirst: (Element) -> Bool) -> (first: [Element], second: [Element]) {
    (filter(isFirst), filter { !isFirst($0) })
  }
}

extension StripReading {
  /// Whether it is a digit that no stroke or corner of a letter looks like.
  fileprivate var isUnmistakable: Bool { isDigit && best != 1 && best != 7 && confidence >= 0.95 }
}
