/// What was read in a photograph.
package struct Reading: Sendable {
  /// A digit, and where it stands.
  package struct Digit: Sendable {
    /// 0...9.
    package var digit: Int
    /// The class probabilities: digits 0...9, then, if the model knows them, those of `ReadingClass`.
    package var probabilities: [Float]
    /// Upper left, upper right, lower right and lower left corner, in pixels of the upright picture in full size.
    package var corners: [SIMD2<Float>]
    /// What the network saw, [28, 28], 0 background, 255 ink.
    package var image: [UInt8]

    package init(digit: Int, probabilities: [Float], corners: [SIMD2<Float>], image: [UInt8]) {
      (self.digit, self.probabilities, self.corners, self.image) = (digit, probabilities, corners, image)
    }

    /// `probabilities` of the digits alone.
    package var digitProbabilities: [Float] { Array(probabilities.prefix(ReadingClass.digitCount)) }
    /// How probable it is that this is no digit; nil from a model that knows digits alone.
    package var noDigitProbability: Float? {
      let others = probabilities.dropFirst(ReadingClass.digitCount)
      return others.isEmpty ? nil : others.reduce(0, +)
    }

    /// The digit that class probabilities speak for most, the smallest of equals.
    static func likeliest(_ probabilities: [Float]) -> Int {
      (0..<ReadingClass.digitCount).max { probabilities[$0] < probabilities[$1] } ?? 0
    }

    /// The corners of an upright rectangle, in the order of `corners`.
    static func corners(left: Int, top: Int, right: Int, bottom: Int) -> [SIMD2<Float>] {
      [(left, top), (right, top), (right, bottom), (left, bottom)].map { SIMD2(Float($0.0), Float($0.1)) }
    }

    /// How sure the network is.
    package var confidence: Float { probabilities[digit] }
    /// The second best digit.
    package var runnerUp: Int {
      (0..<ReadingClass.digitCount).filter { $0 != digit }.max { probabilities[$0] < probabilities[$1] } ?? 0
    }
    /// Left, top, width and height of the upright rectangle around it.
    package var box: (left: Float, top: Float, width: Float, height: Float) {
      let xs = corners.map(\.x)
      let ys = corners.map(\.y)
      let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
      return (left, top, (xs.max() ?? 0) - left, (ys.max() ?? 0) - top)
    }
  }

  /// From top to bottom, each from left to right; no row is empty.
  package var rows: [[Digit]]
  /// Ink that looked like something written and was no digit.
  package var rejectedCount: Int
  /// Of the upright picture, in pixels.
  package var width: Int
  package var height: Int
  /// Whether the file was damaged, so that parts may be missing.
  package var isIncomplete: Bool

  package init(rows: [[Digit]], rejectedCount: Int, width: Int, height: Int, isIncomplete: Bool) {
    (self.rows, self.rejectedCount, self.isIncomplete) = (rows, rejectedCount, isIncomplete)
    (self.width, self.height) = (width, height)
  }

  /// Nothing yet of a picture.
  init(nothingIn picture: Picture) {
    self.init(
      rows: [], rejectedCount: 0, width: picture.fullSize.width, height: picture.fullSize.height,
      isIncomplete: picture.isIncomplete)
  }

  /// The digits alone, a line for each row.
  package var lines: [String] { rows.map { $0.map { "\($0.digit)" }.joined() } }
}
