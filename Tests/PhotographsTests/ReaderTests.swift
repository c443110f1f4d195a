import Datasets
import Photographs
import Testing

/// The reader with the model that comes with it, on pages whose digits are known.
struct ReaderTests {
  private let reader = Result { try PhotographReader(NetworkRecognizer(ReaderModel.trained(), name: "it")) }

  /// Drawn digits, since MNIST may not be here.
  private func digits() throws -> LabelledImages {
    try Dataset(synthetic: SyntheticDigits(seed: 11), trainCount: 1, testCount: 500).read(.test)
  }

  private func score(_ pages: Int, _ difficulty: PageComposer.Difficulty) throws -> ReadingScore {
    let composer = PageComposer(digits: try digits(), seed: 5)
    let reader = try reader.get()
    var score = ReadingScore()
    for index in 0..<pages {
      let page = composer.page(index, difficulty)
      score.add(reader.read(page.picture), of: page)
    }
    return score
  }

  @Test func cleanPagesAreReadNearlyWithoutError() throws {
    let score = try score(12, .clean)
    #expect(score.digits > 150)
    #expect(score.errorRate < 0.03, "\(score)")
  }

  @Test func hardPagesAreReadMostly() throws {
    let score = try score(12, .hard)
    #expect(score.digits > 100)
    #expect(score.errorRate < 0.1, "\(score)")
  }

  @Test func whatIsNoDigitIsNotRead() throws {
    let score = try score(40, .decoys)
    #expect(score.invented <= 1, "\(score)")
  }

  /// Rings with something inside are stamps, also three of them in a row; empty ones are zeros.
  @Test(arguments: [(true, [String]()), (false, ["000"])])
  func ringsWithSomethingInsideAreNoZeros(_ isFilled: Bool, _ lines: [String]) throws {
    var sheet = Sheet(width: 600, height: 200)
    for y in 0..<200 {
      for x in 0..<600 {
        let (dx, dy) = (Float(x % 200 - 100), Float(y - 100))
        let isRing = abs((1.5 * dx * dx + dy * dy).squareRoot() - 50) < 5
        let isBar = isFilled && abs(dy) < 5 && abs(dx) < 18
        if isRing || isBar { sheet.values[y * 600 + x] = 60 }
      }
    }
    #expect(try reader.get().read(sheet.picture).lines == lines)
  }

  /// A sheet of grey levels, white at first, on which digits are drawn dark.
  private struct Sheet {
    let width: Int
    let height: Int
    var values: [Float]

    init(width: Int, height: Int) {
      (self.width, self.height) = (width, height)
      values = [Float](repeating: 235, count: width * height)
    }

    /// Draws a digit two and a half times as large as MNIST has it, `depth` dark.
    mutating func draw(_ image: [UInt8], x: Int, y: Int, depth: Float) {
      for row in 0..<70 {
        for column in 0..<70 where (0..<width).contains(x + column) && (0..<height).contains(y + row) {
          let ink = Float(image[row * 2 / 5 * 28 + column * 2 / 5]) / 255
          values[(y + row) * width + x + column] -= depth * ink
        }
      }
    }

    var picture: Picture {
      Picture(
        width: width, height: height,
        pixels: values.flatMap { [UInt8](repeating: UInt8(min(max($0, 0), 255)), count: 3) })
    }
  }

  /// The columns that a digit has ink in.
  private func columns(_ image: [UInt8]) -> Range<Int> {
    let used = (0..<28).filter { x in (0..<28).contains { image[$0 * 28 + x] > 127 } }
    return (used.first ?? 0)..<(used.last ?? 0) + 1
  }

  /// How far to the left a digit can go until its ink meets that of the one before, in pixels of MNIST's.
  private func approach(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var gap = 28
    for y in 0..<28 {
      let last = (0..<28).last { a[y * 28 + $0] > 127 }
      let first = (0..<28).first { b[y * 28 + $0] > 127 }
      if let last, let first { gap = min(gap, first + 28 - last) }
    }
    return gap
  }

  /// In rows of four, the two in the middle written into one another.
  @Test func digitsThatTouchAreParted() throws {
    let (digits, reader) = (try digits(), try reader.get())
    var (right, all) = (0, 0)
    for row in 0..<40 {
      let images = (0..<4).map { row * 4 + $0 }
      var sheet = Sheet(width: 500, height: 160)
      var x = 40
      for (place, index) in images.enumerated() {
        if place == 2 { x -= 5 * approach(digits.image(index - 1), digits.image(index)) / 2 - 5 }
        sheet.draw(digits.image(index), x: x, y: 45, depth: 190)
        x += 70 + (place == 1 ? 0 : 30)
      }
      let read = reader.read(sheet.picture).rows.map { $0.map { "\($0.digit)" }.joined() }
      all += 1
      if read == [images.map { "\(digits.labels[$0])" }.joined()] { right += 1 }
    }
    #expect(all == 40 && right >= 36, "\(right) of \(all)")
  }

  /// A faint digit between strong ones is a digit, faint flecks beside strong digits are none.
  @Test func faintInkCountsWhereItStandsInARow() throws {
    let (digits, reader) = (try digits(), try reader.get())
    var right = 0
    for row in 0..<20 {
      var sheet = Sheet(width: 600, height: 300)
      let images = (0..<5).map { row * 5 + $0 }
      for (place, index) in images.enumerated() {
        sheet.draw(digits.image(index), x: 40 + 95 * place, y: 30, depth: place == 2 ? 110 : 200)
      }
      for fleck in 0..<12 {
        for y in 0..<26 {
          for x in 0..<4 { sheet.values[(190 + y + fleck % 3 * 9) * 600 + 40 + 43 * fleck + x + y / 5] -= 38 }
        }
      }
      let read = reader.read(sheet.picture).rows.map { $0.map { "\($0.digit)" }.joined() }
      if read == [images.map { "\(digits.labels[$0])" }.joined()] { right += 1 }
    }
    #expect(right >= 17, "\(right) of 20")
  }

  /// One digit, as small as MNIST has it or as large as the picture, dark on light and light on dark.
  @Test(arguments: [(28, false), (28, true), (200, false), (1200, true)])
  func aSingleDigitThatFillsThePictureIsRead(_ side: Int, _ isInverted: Bool) throws {
    let digits = try digits()
    let reader = try reader.get()
    var right = 0
    for index in 0..<20 {
      let image = digits.image(index)
      let pixels = (0..<side * side).flatMap { i -> [UInt8] in
        // By bilinear interpolation.
        let (x, y) = (
          (Float(i % side) + 0.5) * 28 / Float(side) - 0.5, (Float(i / side) + 0.5) * 28 / Float(side) - 0.5
        )
        func at(_ x: Int, _ y: Int) -> Float {
          (0..<28).contains(x) && (0..<28).contains(y) ? Float(image[y * 28 + x]) : 0
        }
        let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
        let (u, v) = (x - Float(left), y - Float(top))
        let ink =
          (at(left, top) * (1 - u) + at(left + 1, top) * u) * (1 - v)
          + (at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u) * v
        let value = UInt8(isInverted ? ink : 255 - ink)
        return [value, value, value]
      }
      let reading = reader.read(Picture(width: side, height: side, pixels: pixels))
      if reading.lines == ["\(digits.labels[index])"] { right += 1 }
    }
    #expect(right >= 16, "\(right) of 20")
  }

  /// White paper, black paper, noise, and next to nothing.
  @Test func emptyPagesHaveNoDigits() throws {
    let reader = try reader.get()
    for (width, height) in [(1, 1), (8, 8), (7, 900), (900, 7), (400, 300), (1500, 1100)] {
      for kind in 0..<4 {
        let pixels = (0..<width * height * 3).map { i -> UInt8 in
          switch kind {
          case 0: 255
          case 1: 0
          case 2: UInt8(truncatingIfNeeded: 200 + (i / 3 &* 2_654_435_761) >> 7 % 13)
          default: UInt8(40 + i / 3 % width * 180 / width)
          }
        }
        #expect(
          reader.read(Picture(width: width, height: height, pixels: pixels)).rows.isEmpty, "\(width) \(kind)")
      }
    }
  }

  /// A page is the same whenever it is composed, and another number is another page.
  @Test func pagesAreFunctionsOfSeedAndNumber() throws {
    let composer = PageComposer(digits: try digits(), seed: 5)
    let page = composer.page(3, .hard)
    #expect(page.picture.pixels == composer.page(3, .hard).picture.pixels)
    #expect(page.picture.pixels != composer.page(4, .hard).picture.pixels)
    #expect(page.picture.pixels != PageComposer(digits: try digits(), seed: 6).page(3, .hard).picture.pixels)
  }

  /// Boxes are in the pixels of the file, however much it was shrunk.
  @Test func boxesAreThoseOfTheFile() throws {
    let composer = PageComposer(digits: try digits(), seed: 5)
    let page = composer.page(1, .clean)
    var picture = page.picture
    picture.fullSize = (picture.width * 3, picture.height * 3)
    let reading = try reader.get().read(picture)
    let truth = try #require(page.rows.first?.first)
    let box = try #require(reading.rows.first?.first?.box)
    #expect(abs(box.left + box.width / 2 - 3 * truth.centre.x) < 2 * truth.size)
    #expect(abs(box.height - 3 * truth.size) < truth.size || abs(box.width - 3 * truth.size) < truth.size)
  }

  @Test func aScoreCountsEachFaultOnce() throws {
    func digit(_ digit: Int, _ x: Float) -> Reading.Digit {
      Reading.Digit(
        digit: digit, probabilities: [Float](repeating: 0.1, count: 10),
        corners: [SIMD2(x - 10, 40), SIMD2(x + 10, 40), SIMD2(x + 10, 60), SIMD2(x - 10, 60)], image: [])
    }
    let page = PageComposer.Page(
      picture: Picture(width: 1, height: 1, pixels: [0, 0, 0]),
      rows: [[1, 2, 3].map { .init(digit: $0, centre: SIMD2(Float($0) * 100, 50), size: 20) }])
    // The first right, the second wrong, the third missed, one invented.
    let reading = Reading(
      rows: [[digit(1, 100), digit(7, 203), digit(4, 400)]], rejectedCount: 0, width: 500, height: 100,
      isIncomplete: false)
    var score = ReadingScore()
    score.add(reading, of: page)
    #expect(
      score.digits == 3 && score.wrong == 1 && score.missed == 1 && score.invented == 1 && score.flawless == 0
    )
  }
}
