internal import Formatting
internal import Foundation

/// A confusion matrix: mistakes stand out, right answers are plain.
package struct MatrixPlot: Sendable {
  package var title: String
  /// `counts[truth][prediction]`.
  package var counts: [[Int]]
  /// What each row and column is called.
  package var classes: [Int]

  /// The matrix of all classes, or of some.
  package init(title: String, counts: [[Int]], classes: [Int]? = nil) {
    let classes = classes ?? Array(counts.indices)
    self.title = title
    self.classes = classes
    self.counts = classes.map { truth in classes.map { counts[truth][$0] } }
  }

  package var drawing: Drawing {
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
      drawing.text(left - 12, y + cell / 2 + 5, "\(classes[truth])", "text-anchor=\"end\"")
      drawing.text(
        left + (Double(truth) + 0.5) * cell, top - 6, "\(classes[truth])", "text-anchor=\"middle\"")
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
