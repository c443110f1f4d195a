internal import Formatting

/// An image and class probabilities as text.
package enum DigitDrawing {
  private static let shades = Array(" .:-=+*#%@")

  /// Draws a grey image, [rows, columns] row by row, 0 background: each pixel two characters wide, so that it
  /// comes out square in a terminal.
  package static func image(_ pixels: [UInt8], rows: Int, columns: Int) -> String {
    precondition(pixels.count == rows * columns, "\(pixels.count) pixels for \(rows) × \(columns)")
    return (0..<rows).map { row in
      var line = ""
      for column in 0..<columns {
        let shade = shades[Int(pixels[row * columns + column]) * (shades.count - 1) / 255]
        line.append(shade)
        line.append(shade)
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n") + "\n"
  }

  /// As many classes get a bar.
  private static let barLimit = 20

  /// One bar per class, the most probable marked; of many classes, the most probable first.
  package static func bars(_ probabilities: [Float], width: Int = 30) -> String {
    let best = probabilities.max() ?? 0
    var classes = Array(probabilities.indices)
    var rest = ""
    if classes.count > barLimit {
      classes.sort { (probabilities[$1], $0) < (probabilities[$0], $1) }
      rest = "and \(Numbers.grouped(classes.count - barLimit)) classes less probable\n"
      classes.removeLast(classes.count - barLimit)
    }
    let digits = String(classes.max() ?? 0).count
    return classes.map { digit in
      let probability = probabilities[digit]
      let filled = Int((Float(width) * probability).rounded())
      let bar = String(repeating: "█", count: filled)
      let percent = Numbers.fixed(Double(100 * probability), 2)
      let padding = String(repeating: " ", count: max(6 - percent.count, 0))
      let name = String(repeating: " ", count: digits - String(digit).count) + String(digit)
      return "\(name) \(padding)\(percent) % \(bar)\(probability == best ? " ←" : "")"
    }.joined(separator: "\n") + "\n" + rest
  }
}
