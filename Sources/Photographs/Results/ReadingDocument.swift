/// What `lockstep read --json` writes, and the page's server answers.
package struct ReadingDocument: Encodable, Sendable {
  package struct Photograph: Encodable, Sendable {
    package struct Row: Encodable, Sendable {
      package let text: String
      package let digits: [Digit]
    }

    package struct Digit: Encodable, Sendable {
      package let digit: Int
      /// How sure the network is, 0...1.
      package let confidence: Float
      package let box: Box
      /// Upper left, upper right, lower right, lower left: [x, y] each, in pixels of the upright photograph.
      package let corners: [[Float]]
      /// Of the digits 0...9.
      package let probabilities: [Float]
      /// Of what is no digit; nil from a model that knows digits alone.
      package let noDigit: Float?
      package let runnerUp: RunnerUp
    }

    /// In pixels of the upright photograph.
    package struct Box: Encodable, Sendable {
      package let x, y, width, height: Float
    }

    package struct RunnerUp: Encodable, Sendable {
      package let digit: Int
      package let probability: Float
    }

    package let file: String
    package let width: Int?
    package let height: Int?
    package let rows: [Row]?
    /// Written things that are no digits.
    package let rejected: Int?
    /// Whether the file was damaged, so that parts may be missing.
    package let incomplete: Bool?
    /// Why there are no rows.
    package let error: String?

    package init(file: String, _ reading: Reading) {
      self.file = file
      (width, height) = (reading.width, reading.height)
      rows = reading.rows.map { row in
        Row(text: row.map { "\($0.digit)" }.joined(), digits: row.map(Digit.init))
      }
      rejected = reading.rejectedCount
      incomplete = reading.isIncomplete
      error = nil
    }

    package init(file: String, error: String) {
      self.file = file
      (width, height, rows, rejected, incomplete) = (nil, nil, nil, nil, nil)
      self.error = error
    }
  }

  package let photographs: [Photograph]

  package init(_ photographs: [Photograph]) { self.photographs = photographs }
}

extension ReadingDocument.Photograph.Digit {
  init(_ digit: Reading.Digit) {
    /// Four digits are what a network's float is worth.
    func rounded(_ value: Float) -> Float { (value * 10_000).rounded() / 10_000 }
    func pixel(_ value: Float) -> Float { (value * 10).rounded() / 10 }
    self.digit = digit.digit
    confidence = rounded(digit.confidence)
    let b = digit.box
    box = ReadingDocument.Photograph.Box(
      x: pixel(b.left), y: pixel(b.top), width: pixel(b.width), height: pixel(b.height))
    corners = digit.corners.map { [pixel($0.x), pixel($0.y)] }
    probabilities = digit.digitProbabilities.map(rounded)
    noDigit = digit.noDigitProbability.map(rounded)
    runnerUp = ReadingDocument.Photograph.RunnerUp(
      digit: digit.runnerUp, probability: rounded(digit.probabilities[digit.runnerUp]))
  }
}
