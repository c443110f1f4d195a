package import Datasets
internal import Tensors

/// Composes photographs of handwritten digits, of which it is known what they say: the yardstick for the reader.
///
/// A page is a function of the seed and its number. Its digits are those of a dataset.
package struct PageComposer {
  /// What makes a page hard to read.
  package enum Difficulty: String, CaseIterable, Sendable {
    /// A dark pen on white paper, even light, digits apart.
    case clean
    /// Everything at once: tilted and in perspective, shadows, folds, ruled and squared paper, pencils and markers,
    /// blur, noise, JPEG at low quality, touching digits, white on black, letters and blots beside the digits.
    case hard
    /// The same without any digit.
    case decoys
  }

  /// A page's picture, and its digits.
  package struct Page: Sendable {
    package struct Digit: Sendable {
      package var digit: Int
      /// In pixels of the picture.
      package var centre: SIMD2<Float>
      /// Its width or height, whichever is more, in pixels.
      package var size: Float

      package init(digit: Int, centre: SIMD2<Float>, size: Float) {
        (self.digit, self.centre, self.size) = (digit, centre, size)
      }
    }

    package var picture: Picture
    /// From top to bottom, each from left to right.
    package var rows: [[Digit]]

    package init(picture: Picture, rows: [[Digit]]) {
      (self.picture, self.rows) = (picture, rows)
    }
  }

  private let images: LabelledImages
  private let seed: UInt64

  /// - Parameters:
  ///   - images: The digits to write with, 28 × 28 each.
  ///   - seed: Which pages.
  package init(digits images: LabelledImages, seed: UInt64) {
    (self.images, self.seed) = (images, seed)
  }

  /// Page number `index`.
  package func page(_ index: Int, _ difficulty: Difficulty) -> Page {
    let order = UInt64(Difficulty.allCases.firstIndex(of: difficulty) ?? 0)
    var draws = Draws(CounterGenerator(seed: seed, for: .photograph, order, UInt64(index)))
    let width = 900 + draws.below(700)
    let height = 700 + draws.below(600)
    var sheet = Sheet(width: width, height: height)
    let hand = Hand(&draws, difficulty)
    if difficulty != .decoys { write(on: &sheet, hand, difficulty, &draws) }
    if difficulty != .clean { scatter(on: &sheet, hand, difficulty, &draws) }
    let camera = Camera(&draws, width: width, height: height, difficulty)
    var picture = camera.photograph(sheet, hand, Paper(&draws, difficulty), &draws)
    if let file = try? Picture(decoding: picture.jpeg(quality: camera.jpegQuality), name: "") {
      picture = file
    }
    let rows = sheet.rows.map { row in
      row.map { digit in
        Page.Digit(digit: digit.digit, centre: camera.image(of: digit.centre), size: digit.size)
      }
    }
    return Page(picture: picture, rows: rows)
  }

  /// How someone writes, and with what.
  struct Hand {
    var size: Float
    /// Strokes against MNIST's.
    var stroke: Float
    var spread: Float
    var touches: Float
    /// How much of the light the ink takes, by colour.
    var ink: SIMD3<Float>
    var isInverted: Bool

    init(_ draws: inout Draws, _ difficulty: Difficulty) {
      let isClean = difficulty == .clean
      size = isClean ? draws.between(44, 80) : draws.between(34, 90)
      stroke = isClean ? draws.between(0.75, 1.3) : draws.between(0.5, 1.6)
      spread = isClean ? draws.between(0.3, 0.9) : draws.between(0.12, 0.9)
      touches = isClean ? 0 : 0.06
      let inks: [SIMD3<Float>] = [
        SIMD3(0.85, 0.84, 0.82), SIMD3(0.8, 0.7, 0.35), SIMD3(0.9, 0.82, 0.55), SIMD3(0.3, 0.75, 0.78),
        SIMD3(0.5, 0.5, 0.48),
      ]
      ink = inks[draws.below(isClean ? 3 : inks.count)] * draws.between(0.9, 1.05)
      isInverted = !isClean && draws.uniform() < 0.06
    }
  }

  private func write(on sheet: inout Sheet, _ hand: Hand, _ difficulty: Difficulty, _ draws: inout Draws) {
    let isClean = difficulty == .clean
    let margin = Float(isClean ? 50 : 70)
    var y = margin + hand.size / 2
    let rows = 1 + draws.below(6)
    for _ in 0..<rows where y + hand.size < Float(sheet.height) - margin {
      let size = hand.size * (isClean ? 1 : draws.between(0.8, 1.2))
      var x = margin + draws.between(0, Float(sheet.width) * 0.25)
      let count = 2 + draws.below(9)
      var last: (sprite: InkSprite, x: Int, y: Int)?
      var row: [Page.Digit] = []
      for _ in 0..<count {
        let sample = draws.below(images.count)
        let height = size * draws.between(isClean ? 0.92 : 0.82, isClean ? 1.08 : 1.18)
        let stroke = hand.stroke * draws.between(0.9, 1.1)
        guard
          let sprite = InkSprite(
            digit: Array(images.image(sample)), height: height, warp: nil, stroke: stroke)
        else { continue }
        let top = Int(y + draws.normal() * size * 0.05) - sprite.height / 2
        var left = Int(x)
        if let last, draws.uniform() < hand.touches, let place = touching(last, sprite, top) { left = place }
        guard Float(left + sprite.width) < Float(sheet.width) - margin else { break }
        sheet.ink.add(sprite, x: left, y: top)
        row.append(
          Page.Digit(
            digit: Int(images.labels[sample]),
            centre: SIMD2(Float(left), Float(top)) + SIMD2(Float(sprite.width), Float(sprite.height)) / 2,
            size: Float(max(sprite.width, sprite.height))))
        sheet.taken.append(
          Sheet.Area(left: left, top: top, right: left + sprite.width, bottom: top + sprite.height))
        last = (sprite, left, top)
        x = Float(left + sprite.width) + size * hand.spread * draws.between(0.6, 1.4)
      }
      if !row.isEmpty { sheet.rows.append(row) }
      y += size * draws.between(isClean ? 1.6 : 1.35, 2.4)
    }
  }

  /// Where a digit's ink begins so that it reaches into the last one's by a pixel or two.
  private func touching(_ last: (sprite: InkSprite, x: Int, y: Int), _ sprite: InkSprite, _ top: Int) -> Int?
  {
    var gap = Int.max
    for row in 0..<sprite.height {
      let other = row + top - last.y
      guard other >= 0, other < last.sprite.height else { continue }
      let first = (0..<sprite.width).first { sprite.cover[row * sprite.width + $0] > 0.5 }
      let end = (0..<last.sprite.width).last { last.sprite.cover[other * last.sprite.width + $0] > 0.5 }
      if let first, let end { gap = min(gap, first + last.sprite.width - end) }
    }
    return gap < Int.max ? last.x + last.sprite.width - gap : nil
  }

  /// Puts what is no digit where there is room.
  private func scatter(on sheet: inout Sheet, _ hand: Hand, _ difficulty: Difficulty, _ draws: inout Draws) {
    let count = difficulty == .decoys ? 4 + draws.below(16) : draws.below(6)
    for _ in 0..<count {
      // Glyphs may come out as digits.
      let kinds = Decoy.allCases.filter { $0 != .glyph }
      let kind = kinds[draws.below(kinds.count)]
      let height = hand.size * draws.between(0.7, 1.3)
      let radius = max(hand.size / 20 * 1.2 * hand.stroke, 0.8)
      guard let sprite = Decoy.drawn(kind, height: height, radius: radius, .trial, &draws) else { continue }
      for _ in 0..<8 {
        let (right, down) = (sheet.width - sprite.width - 100, sheet.height - sprite.height - 100)
        guard right > 0, down > 0 else { break }
        let (x, y) = (50 + draws.below(right), 50 + draws.below(down))
        let room = Int(hand.size / 2)
        let area = Sheet.Area(
          left: x - room, top: y - room, right: x + sprite.width + room, bottom: y + sprite.height + room)
        guard !sheet.taken.contains(where: area.meets) else { continue }
        sheet.ink.add(sprite, x: x, y: y)
        sheet.taken.append(area)
        break
      }
    }
  }
}

/// What is written, before it is photographed.
struct Sheet {
  struct Area {
    var (left, top, right, bottom): (Int, Int, Int, Int)

    init(left: Int, top: Int, right: Int, bottom: Int) {
      (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }

    func meets(_ other: Area) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  var ink: InkSprite
  var rows: [[PageComposer.Page.Digit]] = []
  var taken: [Area] = []

  var width: Int { ink.width }
  var height: Int { ink.height }

  init(width: Int, height: Int) {
    ink = InkSprite(width: width, height: height)
  }
}
