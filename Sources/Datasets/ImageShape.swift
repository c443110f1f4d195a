/// Height and width of grey images, in pixels.
package struct ImageShape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The number of rows.
  package let height: Int
  /// The number of columns.
  package let width: Int

  /// The number of pixels, and of bytes, of an image.
  package var pixelCount: Int { height * width }

  /// As in `28 × 28`.
  package var description: String { "\(height) × \(width)" }

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// A shape that is written as in `20x32`: the rows, then the columns, each from 1 to `SampleFormat.longestSide`; nil for
  /// anything else.
  package init?(parsing text: String) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard sides.count == 2, sides.allSatisfy({ (1...SampleFormat.longestSide).contains($0) }) else {
      return nil
    }
    self.init(height: sides[0], width: sides[1])
  }

  /// The shape of MNIST's images.
  package static let mnist = ImageShape(height: 28, width: 28)
}
