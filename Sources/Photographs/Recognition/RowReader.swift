internal import Foundation

/// How a row is read: what counts against cutting ink, and against calling it no digit.
struct ReadingCosts {
  /// A cut through ink.
  var cut: Float = 1
  /// As much more where the ink, uncut, has nothing to do with digits.
  var cutOther: Float = 3
  /// Ink that has nothing to do with digits.
  var other: Float = 0.6
  /// Ink that looks like a digit's part, or like several: somebody's digit gets lost.
  var lost: Float = 5
  /// A digit below this probability is none.
  var leastProbability: Float = 0.5
  /// Nor is one below this, of two at most in a row, on a page with other things.
  var leastAlone: Float = 0.985
  /// The same on a page with nothing else.
  var leastOnly: Float = 0.9
  /// Half of the digits of a row with other things are as sure, or none is one.
  var leastAmongOthers: Float = 0.9
  /// The median of a longer row's digits is as sure, or none is one.
  var leastMedian: Float = 0.94
  /// A digit as sure beside those cut from one piece of ink speaks for them.
  var leastNeighbour: Float = 0.8
  /// The same as `leastAlone` on a page that has longer rows of digits as high.
  var leastBeside: Float = 0.8

  /// Among digits, what looks like something else is more often a digit badly written.
  var amongDigits: ReadingCosts {
    var costs = self
    costs.other = 4.5
    costs.cutOther = 0.5
    costs.leastProbability = 0.2
    return costs
  }
}

/// Finds the best way to make digits of a row's pieces.
struct RowReader {
  /// No digit is made of more pieces.
  private static let mostPieces = 8
  /// No digit is wider, in heights of its row.
  private static let mostWidth: Float = 1.5

  let recognizer: any DigitRecognizer
  let costs: ReadingCosts

  /// Pieces `first..<end` as one.
  private struct Candidate {
    var first: Int
    var end: Int
    var image: [UInt8]
    var box: StripBox
    /// The pieces of connected ink that are cut at its ends; a cut counts half for each side.
    var cutComponents: [Int32]
  }

  /// The digits of a row, and what was no digit, from left to right.
  func read(_ row: TextRow, ink: InkMap, components: Components) -> [StripReading] {
    let strip = RowStrip(row, ink: ink, components: components)
    let pieces = Pieces(strip)
    var preparation = DigitPreparation()
    let candidates = self.candidates(pieces, strip, &preparation)
    guard !candidates.isEmpty else { return [] }
    let probabilities = recognizer.probabilities(of: candidates.flatMap(\.image), count: candidates.count)

    let row = Row(pieces: pieces, strip: strip, candidates: candidates, probabilities: probabilities)
    let first = best(row, costs)
    // A row of digits is looked at once more.
    let (digits, others) = (first.count(where: \.isDigit), first.count { !$0.isDigit && $0.height > 0.5 })
    let isNumber = digits >= 3 && digits >= 2 * others
    return isNumber
      ? cutAnew(best(row, costs.amongDigits), strip, costs.amongDigits) : cutAnew(first, strip, costs)
  }

  /// What is known of a row before it is decided.
  private struct Row {
    let pieces: Pieces
    let strip: RowStrip
    let candidates: [Candidate]
    /// [candidates, classes].
    let probabilities: [Float]

    func probabilities(of candidate: Int) -> [Float] {
      let classes = probabilities.count / candidates.count
      return Array(probabilities[candidate * classes..<(candidate + 1) * classes])
    }
  }

  /// The best way through a row.
  private func best(_ row: Row, _ costs: ReadingCosts) -> [StripReading] {
    let (pieces, strip, candidates, probabilities) = (
      row.pieces, row.strip, row.candidates, row.probabilities
    )
    let classes = recognizer.classCount
    // How much each piece of connected ink, as a whole, looks like something that is no digit.
    var foreign: [Int32: Float] = [:]
    if classes > ReadingClass.digitCount {
      for (index, candidate) in candidates.enumerated() where candidate.cutComponents.isEmpty {
        let components = Set(pieces.all[candidate.first..<candidate.end].map(\.component))
        guard components.count == 1, let component = components.first else { continue }
        foreign[component] = probabilities[index * classes + ReadingClass.other.rawValue]
      }
    }
    let count = pieces.all.count
    var path = ReadingPath(to: count)
    for end in 1...count {
      for (index, candidate) in candidates.enumerated() where candidate.end == end {
        let cuts = candidate.cutComponents.reduce(0) {
          $0 + (costs.cut + costs.cutOther * (foreign[$1] ?? 0)) / 2
        }
        let p = row.probabilities(of: index)
        let gains = gains(p, candidate.box, costs)
        path.offer(
          index, from: candidate.first, to: end, asDigit: gains.asDigit - cuts, asJunk: gains.asJunk - cuts)
      }
      if !path.reaches(end) { path.offer(nil, from: end - 1, to: end, asJunk: -12) }
    }
    return path.steps.compactMap { step in
      guard let index = step.candidate else { return nil }
      let candidate = candidates[index]
      return reading(
        candidate.image, row.probabilities(of: index), candidate.box,
        Set(pieces.all[candidate.first..<candidate.end].map(\.component)), step, strip, costs)
    }
  }

  /// A part of a row as it was decided.
  func reading(
    _ image: [UInt8], _ p: [Float], _ box: StripBox, _ components: Set<Int32>,
    _ step: ReadingPath.Step, _ strip: RowStrip, _ costs: ReadingCosts
  ) -> StripReading {
    StripReading(
      corners: corners(box, strip), image: image, probabilities: p,
      isDigit: step.isDigit && p[Reading.Digit.likeliest(p)] >= costs.leastProbability,
      left: Float(box.left) / RowStrip.rowHeight, right: Float(box.right) / RowStrip.rowHeight,
      height: box.relativeHeight, components: components, score: step.score)
  }

  /// What ink adds to its row's score as a digit, and as something else; `p` are its classes' probabilities.
  func gains(_ p: [Float], _ box: StripBox, _ costs: ReadingCosts) -> (asDigit: Float, asJunk: Float) {
    (log(max(p[Reading.Digit.likeliest(p)], 1e-6)) - sizeCost(box), junkScore(p, box, costs))
  }

  /// What is far lower or higher than its row is hardly a digit of it.
  private func sizeCost(_ box: StripBox) -> Float {
    let height = box.relativeHeight
    if height < 0.5 { return 12 * (0.5 - height) }
    return height > 1.6 ? 6 * (height - 1.6) : 0
  }

  /// What speaks for leaving ink out; specks cost little.
  private func junkScore(_ p: [Float], _ box: StripBox, _ costs: ReadingCosts) -> Float {
    let size = min(box.relativeHeight / 0.6, 1)
    guard p.count > ReadingClass.digitCount else {
      let rest = 1 - (p.max() ?? 0)
      return log(max(rest, 1e-6)) - costs.lost * size
    }
    let other = log(max(p[ReadingClass.other.rawValue], 1e-6)) - costs.other
    let lost = log(max(p[ReadingClass.digitCount...].reduce(0, +), 1e-6)) - costs.lost * size
    return max(other, lost)
  }

  private func corners(_ box: StripBox, _ strip: RowStrip) -> [SIMD2<Float>] {
    Reading.Digit.corners(left: box.left, top: box.top, right: box.right, bottom: box.bottom).map(
      strip.picturePoint)
  }

  /// All that may be one digit, or one thing that is none.
  private func candidates(
    _ pieces: Pieces, _ strip: RowStrip, _ preparation: inout DigitPreparation
  ) -> [Candidate] {
    var candidates: [Candidate] = []
    let all = pieces.all
    for first in all.indices {
      var box = StripBox(left: .max, top: .max, right: 0, bottom: 0)
      for end in first + 1...min(first + Self.mostPieces, all.count) {
        let piece = all[end - 1]
        if end - first > 1 {
          // Parts of one digit are close; those of one stroke too, unless what lies between was left out.
          let gap = Float(piece.left - box.right)
          if gap > 0.3 * RowStrip.rowHeight { break }
        }
        box = StripBox(
          left: min(box.left, piece.left), top: min(box.top, piece.top), right: max(box.right, piece.right),
          bottom: max(box.bottom, piece.bottom))
        if end - first > 1, Float(box.right - box.left) > Self.mostWidth * RowStrip.rowHeight { break }
        guard let image = image(first, end, box, pieces, strip, &preparation) else { continue }
        candidates.append(
          Candidate(
            first: first, end: end, image: image, box: box, cutComponents: cutComponents(first, end, all)))
      }
    }
    return candidates
  }

  /// The pieces of connected ink that reach over an end of a candidate: twice, if over both.
  private func cutComponents(_ first: Int, _ end: Int, _ pieces: [Pieces.Piece]) -> [Int32] {
    Set(pieces[first..<end].map(\.component)).flatMap { component in
      [pieces[..<first], pieces[end...]].compactMap { rest in
        rest.contains { $0.component == component } ? component : nil
      }
    }
  }

  private func image(
    _ first: Int, _ end: Int, _ box: StripBox, _ pieces: Pieces, _ strip: RowStrip,
    _ preparation: inout DigitPreparation
  ) -> [UInt8]? {
    let (area, sum) = pieces.all[first..<end].reduce((0, 0)) { ($0.0 + $1.area, $0.1 + $1.contrastSum) }
    return image(
      of: Int32(first + 1)...Int32(end), in: pieces.owners, at: (0, 0), box, area: area, contrastSum: sum,
      strip,
      &preparation)
  }

  /// The ink of `members` as MNIST would have it; `owners` tells whose a pixel is, and has its upper left at `origin` in
  /// the strip, `box` is around all members, which have `area` pixels, whose contrast adds up to `contrastSum`.
  func image(
    of members: ClosedRange<Int32>, in owners: Plane<Int32>, at origin: (x: Int, y: Int), _ box: StripBox,
    area: Int, contrastSum: Int, _ strip: RowStrip, _ preparation: inout DigitPreparation
  ) -> [UInt8]? {
    // Strokes are lighter at their edges than in the middle.
    let level = 1.15 * Float(contrastSum) / Float(max(area, 1))
    let border = 2
    let (width, height) = (box.right - box.left + 2 * border, box.bottom - box.top + 2 * border)
    func isMember(_ x: Int, _ y: Int) -> Bool {
      let (x, y) = (x - origin.x, y - origin.y)
      return x >= 0 && y >= 0 && x < owners.width && y < owners.height && members.contains(owners[x, y])
    }
    var ink = [Float](repeating: 0, count: width * height)
    for y in 0..<height {
      let sy = y + box.top - border
      guard sy >= 0, sy < strip.height else { continue }
      for x in 0..<width {
        let sx = x + box.left - border
        guard sx >= 0, sx < strip.width else { continue }
        let value = min(Float(strip.contrast[sx, sy]) / level, 1)
        if isMember(sx, sy) {
          // What was found to be ink stays ink.
          ink[y * width + x] = max(value, 0.55)
        } else if strip.labels[sx, sy] == 0,
          isMember(sx - 1, sy) || isMember(sx + 1, sy) || isMember(sx, sy - 1) || isMember(sx, sy + 1)
        {
          // The soft edge of a stroke.
          ink[y * width + x] = min(value, 0.45)
        }
      }
    }
    return preparation.prepare(ink, width: width, height: height)
  }
}

/// What a part of a row turned out to be.
struct StripReading {
  /// In the picture: upper left, upper right, lower right, lower left.
  var corners: [SIMD2<Float>]
  /// [28, 28].
  var image: [UInt8]
  var probabilities: [Float]
  var isDigit: Bool
  /// Where it stands in its row, in heights of the row.
  var left: Float
  var right: Float
  var height: Float
  /// The pieces of connected ink that it has a part of.
  var components: Set<Int32>
  /// What it adds to the score of its row.
  var score: Float

  /// The digit it most looks like.
  var best: Int { Reading.Digit.likeliest(probabilities) }
  var confidence: Float { probabilities[best] }
  /// Its height in the picture, in pixels.
  var pixelHeight: Float {
    let d = corners[3] - corners[0]
    return (d * d).sum().squareRoot()
  }
}
