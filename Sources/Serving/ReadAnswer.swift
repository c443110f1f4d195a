internal import Foundation
internal import Photographs

/// What was read in a photograph, with pictures if they were asked for.
struct ReadAnswer: Encodable {
  var photograph: ReadingDocument.Photograph
  /// The photograph with frames around its digits, as a `data:` address of a JPEG file.
  var annotated: String?
  /// What the network saw of each digit, [rows][digits][28][28], 0 background, 255 ink.
  var images: [[[[UInt8]]]]?

  private enum CodingKeys: CodingKey {
    case annotated, images
  }

  func encode(to encoder: any Encoder) throws {
    try photograph.encode(to: encoder)
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encodeIfPresent(annotated, forKey: .annotated)
    try fields.encodeIfPresent(images, forKey: .images)
  }
}

/// What one digit is.
struct DigitAnswer: Encodable {
  let digit: Int
  /// How sure the network is, 0...1.
  let confidence: Float
  /// Of the digits 0...9.
  let probabilities: [Float]
  /// Of what is no digit; left out by a model that knows digits alone.
  let noDigit: Float?
  /// What the network saw, [28][28], 0 background, 255 ink.
  let image: [[UInt8]]

  /// The digit of a picture that holds one; nil if it holds none.
  init?(_ reading: Reading) {
    let rows = ReadingDocument.Photograph(file: "", reading).rows
    guard let written = rows?.first?.digits.first, let read = reading.rows.first?.first else { return nil }
    digit = written.digit
    confidence = written.confidence
    probabilities = written.probabilities
    noDigit = written.noDigit
    image = read.imageRows
  }
}

extension Reading.Digit {
  /// `image` as rows.
  var imageRows: [[UInt8]] {
    let side = DigitPreparation.side
    return stride(from: 0, to: image.count, by: side).map { Array(image[$0..<$0 + side]) }
  }
}

extension ReadAnswer {
  init(_ reading: Reading, name: String, withImages: Bool) {
    photograph = ReadingDocument.Photograph(file: name, reading)
    images = withImages ? reading.rows.map { $0.map(\.imageRows) } : nil
  }
}
