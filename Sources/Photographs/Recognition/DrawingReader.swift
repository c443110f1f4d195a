/// Reads drawings: pictures of digits alone, drawn on a screen or cut out of a photograph.
package struct DrawingReader {
  private let recognizer: any DigitRecognizer
  private let reader: PhotographReader

  package init(_ recognizer: any DigitRecognizer) {
    self.recognizer = recognizer
    reader = PhotographReader(recognizer)
  }

  /// Reads a picture in which everything is a digit, however large it is.
  ///
  /// On even ground, ink is divided where rows and columns are empty between it (Nagy, Seth, "Hierarchical representation
  /// of optically scanned documents", 1984): what is no wider than a digit is one. The rest is read as photographs are.
  package func read(_ picture: Picture) -> Reading {
    guard let ink = Ink(evenGround: picture) else { return reader.read(picture) }
    var reading = Reading(nothingIn: picture)
    for blocks in ink.rows() {
      var digits: [Reading.Digit] = []
      for block in blocks {
        if block.isAsWideAsADigit {
          if let digit = digit(ink, block, picture) { digits.append(digit) }
        } else {
          let part = reader.read(ink.picture(of: block))
          reading.rejectedCount += part.rejectedCount
          let (dx, dy) = (block.left - Ink.margin, block.top - Ink.margin)
          digits += part.rows.joined().map { digit in
            var digit = digit
            digit.corners = digit.corners.map { ($0 + SIMD2(Float(dx), Float(dy))) * picture.scale }
            return digit
          }
        }
      }
      if !digits.isEmpty { reading.rows.append(digits) }
    }
    return reading
  }

  /// Reads a picture of one digit: all of its ink belongs to it. Without ink there are no rows.
  package func readOne(_ picture: Picture) -> Reading {
    var reading = Reading(nothingIn: picture)
    guard picture.width > 2, picture.height > 2 else { return reading }
    let ink = Ink(evenGround: picture) ?? Ink(photographed: picture)
    if let digit = ink.bounds.flatMap({ digit(ink, $0, picture) }) { reading.rows = [[digit]] }
    return reading
  }

  private func digit(_ ink: Ink, _ block: Block, _ picture: Picture) -> Reading.Digit? {
    var preparation = DigitPreparation()
    let part = ink.values(of: block)
    guard let image = preparation.prepare(part, width: block.width, height: block.height) else { return nil }
    let probabilities = recognizer.probabilities(of: image, count: 1)
    let corners = Reading.Digit.corners(
      left: block.left, top: block.top, right: block.right, bottom: block.bottom)
    return Reading.Digit(
      digit: Reading.Digit.likeliest(probabilities), probabilities: probabilities,
      corners: corners.map { $0 * picture.scale }, image: image)
  }
}

/// Where ink lies; right and bottom are one beyond it.
private struct Block {
  var (left, top, right, bottom): (Int, Int, Int, Int)

  var width: Int { right - left }
  var height: Int { bottom - top }
  var isAsWideAsADigit: Bool { Float(width) <= 1.3 * Float(height) }
}

/// How much ink each pixel has, 0...1, 0.5 and more being ink.
private struct Ink {
  /// Paper around a part that is read by itself, in pixels.
  static let margin = 24

  private let plane: Plane<Float>

  /// The ink on a ground that is the same everywhere: nil if the picture's edge is not. Strokes of any width are found, as
  /// in pictures of 28 × 28 pixels.
  init?(evenGround picture: Picture) {
    guard picture.width > 2, picture.height > 2 else { return nil }
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
    var plane = Plane<Float>(width: width, height: height, repeating: 0)
    if depth >= 22 {
      plane.values = light.values.map { value in
        max(Float(isLight ? Int(value) - ground : ground - Int(value)) / Float(depth), 0)
      }
    }
    self.plane = plane
  }

  /// The ink of a photograph, without specks.
  init(photographed picture: Picture) {
    let map = InkMap(picture)
    let components = Components(map)
    let largest = components.all.map(\.area).max() ?? 0
    let isKept = components.all.map { $0.area * 40 > largest }
    var plane = Plane<Float>(width: picture.width, height: picture.height, repeating: 0)
    plane.values = components.labels.values.map { $0 > 0 && isKept[Int($0) - 1] ? 1 : 0 }
    self.plane = plane
  }

  /// All ink; nil if there is none.
  var bounds: Block? {
    tight(Block(left: 0, top: 0, right: plane.width, bottom: plane.height))
  }

  /// The ink of each row, from left to right; dots and the like are left out.
  func rows() -> [[Block]] {
    guard let bounds else { return [] }
    var bands = runs(bounds.top..<bounds.bottom) { y in (0..<plane.width).contains { isInk($0, y) } }
    // The bar of a 5 that does not touch the rest is no row of its own: it belongs to what is nearer.
    let tallest = bands.map(\.count).max() ?? 0
    while bands.count > 1, let i = bands.firstIndex(where: { $0.count * 5 < tallest * 2 }) {
      let above = i > 0 ? bands[i].lowerBound - bands[i - 1].upperBound : .max
      let below = i + 1 < bands.count ? bands[i + 1].lowerBound - bands[i].upperBound : .max
      let first = above <= below ? i - 1 : i
      bands[first] = bands[first].lowerBound..<bands[first + 1].upperBound
      bands.remove(at: first + 1)
    }
    return bands.map { band in
      runs(0..<plane.width) { x in band.contains { isInk(x, $0) } }
        .compactMap {
          tight(
            Block(left: $0.lowerBound, top: band.lowerBound, right: $0.upperBound, bottom: band.upperBound))
        }
        .filter { $0.height * 3 > band.count }
    }
  }

  /// [height, width] of the block.
  func values(of block: Block) -> [Float] {
    (block.top..<block.bottom).flatMap { y in
      plane.values[y * plane.width + block.left..<y * plane.width + block.right]
    }
  }

  /// A block as black ink on white paper, with `margin` around it.
  func picture(of block: Block) -> Picture {
    let (width, height) = (block.width + 2 * Self.margin, block.height + 2 * Self.margin)
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    for y in 0..<block.height {
      for x in 0..<block.width {
        let value = UInt8(255 * (1 - min(plane[block.left + x, block.top + y], 1)))
        for c in 0..<3 { pixels[((y + Self.margin) * width + x + Self.margin) * 3 + c] = value }
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  private func isInk(_ x: Int, _ y: Int) -> Bool { plane[x, y] >= 0.5 }

  /// The longest ranges in `range` at all of which there is something.
  private func runs(_ range: Range<Int>, _ isThere: (Int) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for i in range where isThere(i) {
      if let last = runs.last, last.upperBound == i {
        runs[runs.count - 1] = last.lowerBound..<i + 1
      } else {
        runs.append(i..<i + 1)
      }
    }
    return runs
  }

  /// What of a block holds ink; nil if nothing does.
  private func tight(_ block: Block) -> Block? {
    var result: Block?
    for y in block.top..<block.bottom {
      for x in block.left..<block.right where isInk(x, y) {
        let old = result ?? Block(left: x, top: y, right: x, bottom: y)
        result = Block(
          left: min(old.left, x), top: min(old.top, y), right: max(old.right, x + 1),
          bottom: max(old.bottom, y + 1))
      }
    }
    return result
  }
}
