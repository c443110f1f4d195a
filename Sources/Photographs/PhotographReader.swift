/// Reads handwritten digits in photographs.
///
/// 1. Ink is told from paper by contrast against the ground around it (`InkMap`), ruled lines are taken out.
/// 2. Connected ink is put into rows (`RowFinder`), each turned level and brought to one height (`RowStrip`).
/// 3. Wide pieces are cut wherever they are thin (`Pieces`); everything that may be a digit is prepared as MNIST's digits
///    are (`DigitPreparation`) and shown to the network; the best way through a row wins (`RowReader`).
package struct PhotographReader {
  private let recognizer: any DigitRecognizer
  private let costs = ReadingCosts()

  package init(_ recognizer: any DigitRecognizer) {
    self.recognizer = recognizer
  }

  /// Reads a picture.
  package func read(_ picture: Picture) -> Reading {
    var reading = Reading(nothingIn: picture)
    // Smaller than any digit.
    guard picture.width >= 8, picture.height >= 8 else { return reading }
    var ink = InkMap(picture)
    ink.removeRuledLines()
    let components = Components(ink)
    let reader = RowReader(recognizer: recognizer, costs: costs)
    var rows: [[StripReading]] = []
    for row in RowFinder(components).rows() {
      rows.append(withoutStrays(withoutWords(reader.read(row, ink: ink, components: components))))
    }
    rows = withoutLoneBars(rows)
    reading.rejectedCount = rows.joined().count { !$0.isDigit && $0.height > 0.5 }
    reading.rows = rows.map { row in
      row.filter(\.isDigit).map { part in
        Reading.Digit(
          digit: part.best, probabilities: part.probabilities,
          corners: part.corners.map { $0 * picture.scale },
          image: part.image)
      }
    }.filter { !$0.isEmpty }
    return reading
  }

  /// Takes digits back that share their ink with something else, or that stand in a word: most of their close neighbours
  /// are none.
  private func withoutWords(_ parts: [StripReading]) -> [StripReading] {
    let others = parts.filter { !$0.isDigit && $0.height > 0.45 }
    return parts.map { part in
      var part = part
      if others.contains(where: { !$0.components.isDisjoint(with: part.components) }) { part.isDigit = false }
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
  /// digit.
  private func withoutStrays(_ parts: [StripReading]) -> [StripReading] {
    guard parts.count(where: \.isDigit) <= 2 else { return parts }
    return parts.map { part in
      var part = part
      part.isDigit = part.isDigit && part.confidence >= costs.leastAlone
      return part
    }
  }

  /// Takes back ones that stand alone in their rows, unless other digits of their height are there, or nothing else at all: a
  /// bar is the most common thing that is no digit.
  private func withoutLoneBars(_ rows: [[StripReading]]) -> [[StripReading]] {
    let digits = rows.joined().filter { $0.isDigit && $0.best != 1 }
    let heights = digits.map(\.pixelHeight).sorted()
    let others = rows.joined().count { !$0.isDigit && $0.height > 0.45 }
    return rows.map { row in
      guard row.filter(\.isDigit).allSatisfy({ $0.best == 1 }), row.count(where: \.isDigit) <= 2 else {
        return row
      }
      let isAlone = digits.isEmpty && others == 0
      return row.map { part in
        var part = part
        let fits = !heights.isEmpty && (0.6...1.5).contains(part.pixelHeight / heights[heights.count / 2])
        part.isDigit = part.isDigit && (isAlone || fits && row.count < 3)
        return part
      }
    }
  }
}
