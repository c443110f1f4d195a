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
    let scale = Float(picture.fullSize.width) / Float(max(picture.width, 1))
    var reading = Reading(
      rows: [], rejectedCount: 0, width: picture.fullSize.width, height: picture.fullSize.height,
      isIncomplete: picture.isIncomplete)
    // Smaller than any digit.
    guard picture.width >= 8, picture.height >= 8 else { return reading }
    var ink = InkMap(picture)
    ink.removeRuledLines()
    let components = Components(ink)
    let reader = RowReader(recognizer: recognizer, costs: costs)
    for row in RowFinder(components).rows() {
      let parts = withoutWords(reader.read(row, ink: ink, components: components))
      reading.rejectedCount += parts.count { !$0.isDigit && $0.height > 0.5 }
      let digits = parts.filter(\.isDigit).map { part in
        let best = (0..<10).max { part.probabilities[$0] < part.probabilities[$1] } ?? 0
        return Reading.Digit(
          digit: best, probabilities: part.probabilities, corners: part.corners.map { $0 * scale },
          image: part.image)
      }
      if !digits.isEmpty { reading.rows.append(digits) }
    }
    return reading
  }

  /// Takes digits back that stand in a word: most of their close neighbours are none.
  private func withoutWords(_ parts: [StripReading]) -> [StripReading] {
    var parts = parts
    let before = parts
    for i in parts.indices where before[i].isDigit {
      var (digits, others) = (0, 0)
      for j in before.indices where j != i && before[j].height > 0.45 {
        let gap = max(before[j].left - before[i].right, before[i].left - before[j].right)
        guard gap < 0.6 else { continue }
        if before[j].isDigit { digits += 1 } else { others += 1 }
      }
      if others > digits, others > 1 || before[i].probabilities[..<10].max() ?? 0 < 0.98 {
        parts[i].isDigit = false
      }
    }
    return parts
  }
}
