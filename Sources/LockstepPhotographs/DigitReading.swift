internal import Photographs

/// What was read in a photograph.
public struct DigitReading: Hashable, Sendable {
  /// The digits: rows from top to bottom, each from left to right; no row is empty.
  public let rows: [[ReadDigit]]
  /// How much written ink was left out because it is no digit.
  public let rejectedCount: Int
  /// The upright photograph's width in pixels.
  public let width: Int
  /// The upright photograph's height in pixels.
  public let height: Int
  /// Whether the file was damaged or ended early, so that parts may be missing.
  public let isIncomplete: Bool

  /// The digits alone, as text: a string for each row.
  public var lines: [String] { rows.map { $0.map { "\($0.digit)" }.joined() } }
}

/// A digit in a photograph.
public struct ReadDigit: Hashable, Sendable {
  /// A place in the photograph, in pixels of the upright picture; (0, 0) is its upper left corner.
  public struct Point: Hashable, Sendable {
    /// Pixels from the left.
    public let x: Float
    /// Pixels from the top.
    public let y: Float
  }

  /// An upright rectangle, in pixels of the upright picture.
  public struct Box: Hashable, Sendable {
    /// Pixels from the left edge of the picture to that of the box.
    public let x: Float
    /// Pixels from the top of the picture to that of the box.
    public let y: Float
    /// The width.
    public let width: Float
    /// The height.
    public let height: Float
  }

  /// 0 to 9.
  public let digit: Int
  /// How probable each digit is, by digit. With ``noDigitProbability`` they add up to 1.
  public let probabilities: [Float]
  /// How probable it is that this is no digit at all; 0 from a model that knows digits alone.
  public let noDigitProbability: Float
  /// The second most probable digit.
  public let runnerUp: Int
  /// The rectangle around it.
  public let box: Box
  /// Its corners along the row that it stands in: upper left, upper right, lower right, lower left.
  public let corners: [Point]
  /// What the network saw: 28 × 28 bytes, row by row, 0 for background and 255 for ink.
  public let image: [UInt8]

  /// How probable ``digit`` is, 0 to 1.
  public var confidence: Float { probabilities[digit] }
  /// How probable ``runnerUp`` is, 0 to 1.
  public var runnerUpProbability: Float { probabilities[runnerUp] }
}

extension DigitReading {
  init(_ reading: Reading) {
    self.init(
      rows: reading.rows.map { $0.map(ReadDigit.init) }, rejectedCount: reading.rejectedCount,
      width: reading.width, height: reading.height, isIncomplete: reading.isIncomplete)
  }
}

extension ReadDigit {
  init(_ digit: Reading.Digit) {
    let box = digit.box
    self.init(
      digit: digit.digit, probabilities: digit.digitProbabilities,
      noDigitProbability: digit.noDigitProbability ?? 0, runnerUp: digit.runnerUp,
      box: Box(x: box.left, y: box.top, width: box.width, height: box.height),
      corners: digit.corners.map { Point(x: $0.x, y: $0.y) }, image: digit.image)
  }
}
