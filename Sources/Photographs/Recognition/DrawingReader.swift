/// Reads drawings: pictures of digits alone, drawn on a screen or cut out of a photograph.
package struct DrawingReader {
  private let recognizer: any DigitRecognizer
  private let reader: PhotographReader

  package init(_ recognizer: any DigitRecognizer) {
    self.recognizer = recognizer
    reader = PhotographReader(recognizer)
  }

  /// Reads a picture in which everything is a digit: rows of them, or one that may fill it.
  package func read(_ picture: Picture) -> Reading {
    var reading = reader.read(picture)
    if reading.rows.joined().count <= 1, let (digit, isTall) = only(picture), isTall || !reading.rows.isEmpty
    {
      reading.rows = [[digit]]
      reading.rejectedCount = 0
    }
    return reading
  }

  /// Reads a picture of one digit: all of its ink belongs to it. Without ink there are no rows.
  package func readOne(_ picture: Picture) -> Reading {
    Reading(
      rows: only(picture).map { [[$0.digit]] } ?? [], rejectedCount: 0, width: picture.fullSize.width,
      height: picture.fullSize.height, isIncomplete: picture.isIncomplete)
  }

  /// The ink of a picture as one digit, and whether its shape is that of one: wider ones are several.
  private func only(_ picture: Picture) -> (digit: Reading.Digit, isTall: Bool)? {
    guard picture.width > 2, picture.height > 2 else { return nil }
    let ink = Self.evenInk(picture) ?? Self.photographedInk(picture)
    let (width, height) = (picture.width, picture.height)
    var preparation = DigitPreparation()
    guard let image = preparation.prepare(ink, width: width, height: height) else { return nil }
    let probabilities = recognizer.probabilities(of: image, count: 1)
    let best = (0..<10).max { probabilities[$0] < probabilities[$1] } ?? 0

    let inked = ink.indices.filter { ink[$0] >= 0.5 }
    let columns = inked.map { $0 % width }
    let (left, right) = (columns.min() ?? 0, (columns.max() ?? 0) + 1)
    let (top, bottom) = ((inked.first ?? 0) / width, (inked.last ?? 0) / width + 1)
    let scale = Float(picture.fullSize.width) / Float(width)
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)].map {
      SIMD2(Float($0.0), Float($0.1)) * scale
    }
    let digit = Reading.Digit(digit: best, probabilities: probabilities, corners: corners, image: image)
    return (digit, Float(right - left) <= 1.3 * Float(bottom - top))
  }

  /// The ink on a ground that is the same everywhere, 0...1, [height, width]: nil if the picture's edge is not. Strokes of
  /// any width are found, as in pictures of 28 × 28 pixels.
  private static func evenInk(_ picture: Picture) -> [Float]? {
    let light = picture.lightness()
    let (width, height) = (light.width, light.height)
    var edge = (0..<width).flatMap { [light[$0, 0], light[$0, height - 1]] }
    edge += (0..<height).flatMap { [light[0, $0], light[width - 1, $0]] }
    edge.sort()
    let ground = Int(edge[edge.count / 2])
    guard edge.count(where: { abs(Int($0) - ground) <= 12 }) * 10 >= edge.count * 9 else { return nil }
    let (darkest, lightest) = (Int(light.values.min() ?? 0), Int(light.values.max() ?? 0))
    let isLight = lightest - ground > ground - darkest
    let depth = isLight ? lightest - ground : ground - darkest
    guard depth >= 22 else { return [Float](repeating: 0, count: width * height) }
    return light.values.map { value in
      max(Float(isLight ? Int(value) - ground : ground - Int(value)) / Float(depth), 0)
    }
  }

  /// The ink of a photograph, without specks.
  private static func photographedInk(_ picture: Picture) -> [Float] {
    let map = InkMap(picture)
    let components = Components(map)
    let largest = components.all.map(\.area).max() ?? 0
    let isKept = components.all.map { $0.area * 40 > largest }
    return components.labels.values.map { $0 > 0 && isKept[Int($0) - 1] ? 1 : 0 }
  }
}
