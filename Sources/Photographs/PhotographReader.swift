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
      rows.append(reader.read(row, ink: ink, components: components))
    }
    rows = Doubts(costs: costs, components: components).settled(rows)
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
}
