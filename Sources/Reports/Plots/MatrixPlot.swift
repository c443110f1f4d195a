internal import Foundation

/// A confusion matrix: mistakes stand out, right answers are plain.
public struct MatrixPlot: Sendable {
  public var title: String
  /// `counts[truth][prediction]`.
  public var counts: [[Int]]

  public init(title: String, counts: [[Int]]) {
    self.title = title
    self.counts = counts
  }

  public var drawing: Drawing {
    let (cell, left, top) = (44.0, 66.0, 66.0)
    let side = cell * Double(counts.count)
    var drawing = Drawing(title: title, width: left + side + 16, height: top + side + 16)
    drawing.text(left, 24, title, "class=\"title\"")
    drawing.text(left + side / 2, 44, "predicted", "text-anchor=\"middle\"")
    drawing.text(
      0, 0, "truth", "text-anchor=\"middle\" transform=\"translate(18 \(Int(top + side / 2))) rotate(-90)\"")
    let worst =
      counts.indices.flatMap { truth in
        counts[truth].indices.filter { $0 != truth }.map { counts[truth][$0] }
      }.max() ?? 0
    for (truth, row) in counts.enumerated() {
      let y = top + Double(truth) * cell
      drawing.text(left - 12, y + cell / 2 + 5, "\(truth)", "text-anchor=\"end\"")
      drawing.text(left + (Double(truth) + 0.5) * cell, top - 6, "\(truth)", "text-anchor=\"middle\"")
      for (prediction, count) in row.enumerated() {
        let x = left + Double(prediction) * cell
        if truth != prediction, count > 0 {
          let opacity = 0.12 + 0.6 * Double(count) / Double(max(worst, 1))
          drawing.rectangle(x, y, cell, cell, "class=\"f1\" fill-opacity=\"\(Numbers.fixed(opacity, 2))\"")
        } else if truth == prediction {
          drawing.rectangle(x, y, cell, cell, "class=\"f0\" fill-opacity=\"0.15\"")
        }
        drawing.rectangle(x, y, cell, cell, "class=\"grid\"")
        let style = count == 0 ? "class=\"muted\" text-anchor=\"middle\"" : "text-anchor=\"middle\""
        drawing.text(x + cell / 2, y + cell / 2 + 5, count == 0 ? "·" : "\(count)", style)
      }
    }
    return drawing
  }
}

/// Where time went: one bar per rank or run, its parts side by side.
public struct ShareBars: Sendable {
  public var title: String
  /// What the parts are called.
  public var parts: [String]
  /// A bar's name and its parts, in seconds.
  public var bars: [(name: String, seconds: [Double])]

  public init(title: String, parts: [String], bars: [(name: String, seconds: [Double])]) {
    self.title = title
    self.parts = parts
    self.bars = bars
  }

  public var drawing: Drawing {
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
