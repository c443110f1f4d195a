internal import Formatting

/// Where time went: one bar per rank or run, its parts side by side.
package struct ShareBars: Sendable {
  package var title: String
  /// What the parts are called.
  package var parts: [String]
  /// A bar's name and its parts, in seconds.
  package var bars: [(name: String, seconds: [Double])]

  package init(title: String, parts: [String], bars: [(name: String, seconds: [Double])]) {
    self.title = title
    self.parts = parts
    self.bars = bars
  }

  package var drawing: Drawing {
    let (width, left, right, top, row) = (640.0, 84.0, 70.0, 44.0, 26.0)
    let legendTop = top + Double(bars.count) * row + 22
    var drawing = Drawing(
      title: title, width: width, height: legendTop + 20 * Double((parts.count + 2) / 3) + 4)
    drawing.text(left, 24, title, "class=\"title\"")
    let longest = bars.map { $0.seconds.reduce(0, +) }.max() ?? 0
    for (index, bar) in bars.enumerated() {
      let y = top + Double(index) * row
      drawing.text(left - 8, y + 15, bar.name, "text-anchor=\"end\"")
      var x = left
      for (part, seconds) in bar.seconds.enumerated() where longest > 0 {
        let length = seconds / longest * (width - left - right)
        drawing.rectangle(x, y, length, row - 6, "class=\"\(color(part))\"")
        x += length
      }
      drawing.text(x + 8, y + 15, Numbers.duration(bar.seconds.reduce(0, +)), "class=\"muted\"")
    }
    let all = bars.reduce(0) { $0 + $1.seconds.reduce(0, +) }
    for (part, name) in parts.enumerated() {
      let x = left + Double(part % 3) * 180
      let y = legendTop + 20 * Double(part / 3)
      drawing.rectangle(x, y - 10, 12, 12, "class=\"\(color(part))\"")
      let share = bars.reduce(0) { $0 + $1.seconds[part] } / max(all, 1e-12)
      drawing.text(x + 18, y, "\(name) \(Numbers.fixed(100 * share, 1)) %")
    }
    return drawing
  }

  private func color(_ part: Int) -> String { part < PlotStyle.colorCount ? "f\(part)" : "rest" }
}
