internal import Formatting
internal import Foundation

/// Curves as text: two by four dots to a character (Unicode's Braille patterns).
package enum TextPlot {
  /// `rows` lines of a curve, each with its scale in front of it where there is room; logarithmic or not.
  package static func lines(
    _ points: [(x: Double, y: Double)], columns: Int, rows: Int, isLogarithmic: Bool = false
  ) -> [String] {
    let labelWidth = 8
    let (width, height) = (max(columns - labelWidth - 1, 2), max(rows, 1))
    let usable = points.filter {
      LinePlot.canShow($0.x) && LinePlot.canShow($0.y) && (!isLogarithmic || $0.y > 0)
    }
    func level(_ y: Double) -> Double { isLogarithmic ? log(y) : y }
    let heights = usable.map { level($0.y) }
    let low = heights.min() ?? 0
    let high = heights.max() ?? 1
    // Points of files that somebody has put together need not be in order.
    let (left, right) = (usable.map(\.x).min() ?? 0, usable.map(\.x).max() ?? 1)
    var dots = [[Bool]](repeating: [Bool](repeating: false, count: 2 * width), count: 4 * height)
    var last: (x: Int, y: Int)?
    for point in usable {
      let x = right > left ? Int((point.x - left) / (right - left) * Double(2 * width - 1)) : 0
      let depth = high > low ? (high - level(point.y)) / (high - low) : 1
      let y = Int((depth * Double(4 * height - 1)).rounded())
      // A line from the last point, so that curves have no holes.
      let from = last ?? (x, y)
      let count = max(abs(x - from.x), abs(y - from.y), 1)
      for part in 0...count {
        dots[from.y + (y - from.y) * part / count][from.x + (x - from.x) * part / count] = true
      }
      last = (x, y)
    }
    // The bits of the eight dots, by column and row (Unicode standard, Braille Patterns).
    let bits: [[UInt32]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]
    return (0..<height).map { row in
      var text = ""
      for column in 0..<width {
        var pattern: UInt32 = 0
        for (side, sideBits) in bits.enumerated() {
          for (part, bit) in sideBits.enumerated() where dots[4 * row + part][2 * column + side] {
            pattern |= bit
          }
        }
        text.unicodeScalars.append(pattern == 0 ? " " : Unicode.Scalar(0x2800 + pattern) ?? " ")
      }
      let value = row == 0 ? high : row == height - 1 ? low : nil
      let label = usable.isEmpty ? "" : value.map { Numbers.fixed(isLogarithmic ? exp($0) : $0, 3) } ?? ""
      while text.last == " " { text.removeLast() }
      return String(repeating: " ", count: max(labelWidth - label.count, 0)) + label + " " + text
    }
  }
}
