internal import Formatting

/// A picture made of lines and words.
package struct Drawing: Sendable {
  /// What it shows, for those who do not see it.
  package var title: String
  var width: Double
  var height: Double
  var elements: [String] = []

  init(title: String, width: Double, height: Double) {
    self.title = title
    self.width = width
    self.height = height
  }

  /// To stand in a page that has `PlotStyle.css`.
  package var element: String { svg(with: "") }

  /// A file of its own.
  package var file: String {
    svg(with: "<style>\(PlotStyle.css)</style><rect class=\"paper\" width=\"100%\" height=\"100%\"/>") + "\n"
  }

  private func svg(with style: String) -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
      + "role=\"img\" aria-label=\"\(PlotStyle.escaped(title))\">\(style)\(elements.joined(separator: "\n"))</svg>"
  }

  mutating func text(_ x: Double, _ y: Double, _ words: String, _ attributes: String = "") {
    elements.append(
      "<text x=\"\(number(x))\" y=\"\(number(y))\" \(attributes)>\(PlotStyle.escaped(words))</text>")
  }

  mutating func path(_ data: String, _ attributes: String) {
    elements.append("<path d=\"\(data)\" \(attributes)/>")
  }

  mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ attributes: String) {
    elements.append(
      "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(max(width, 0)))\" "
        + "height=\"\(number(max(height, 0)))\" \(attributes)/>")
  }

  func number(_ value: Double) -> String { Numbers.fixed(value, 1) }
}
