internal import Formatting

/// Many things with several properties each: an axis for each property, a line for each thing.
package struct ParallelCoordinates: Sendable {
  /// A property.
  package struct Axis: Sendable {
    package var name: String
    /// What stands at some heights of the axis, from 0 to 1.
    package var labels: [(height: Double, text: String)]

    package init(_ name: String, labels: [(height: Double, text: String)]) {
      self.name = name
      self.labels = labels
    }
  }

  /// A thing: on each axis its height, from 0 to 1; nil where it lacks the property.
  package struct Line: Sendable {
    package var heights: [Double?]
    /// How good it is, from 0 to 1: better ones are drawn later and stronger.
    package var quality: Double

    package init(_ heights: [Double?], quality: Double) {
      self.heights = heights
      self.quality = quality
    }
  }

  package var title: String
  package var axes: [Axis]
  package var lines: [Line]

  package init(title: String, axes: [Axis], lines: [Line]) {
    self.title = title
    self.axes = axes
    self.lines = lines
  }

  package var drawing: Drawing {
    let (gap, left, right, top, bottom, height) = (108.0, 60.0, 90.0, 76.0, 24.0, 380.0)
    let width = left + right + gap * Double(max(axes.count - 1, 1))
    var drawing = Drawing(title: title, width: width, height: height)
    drawing.text(left, 24, title, "class=\"title\"")
    let number = drawing.number
    func x(_ axis: Int) -> Double { left + gap * Double(axis) }
    func y(_ share: Double) -> Double { height - bottom - min(max(share, 0), 1) * (height - top - bottom) }
    for line in lines.sorted(by: { $0.quality < $1.quality }) {
      var data = ""
      var isOpen = false
      for (axis, share) in line.heights.enumerated() {
        guard let share else {
          isOpen = false
          continue
        }
        data += "\(isOpen ? "L" : "M")\(number(x(axis))) \(number(y(share)))"
        isOpen = true
      }
      let opacity = Numbers.fixed(0.12 + 0.75 * min(max(line.quality, 0), 1), 2)
      // The best tenth in a colour of its own.
      drawing.path(data, "class=\"line s\(line.quality > 0.9 ? 1 : 0)\" stroke-opacity=\"\(opacity)\"")
    }
    for (index, axis) in axes.enumerated() {
      drawing.path("M\(number(x(index))) \(number(top))V\(number(height - bottom))", "class=\"axis\"")
      // Names in two rows, so that long ones have room.
      drawing.text(x(index), index % 2 == 0 ? top - 28 : top - 12, axis.name, "text-anchor=\"middle\"")
      for label in axis.labels {
        // Lines that cross it leave it readable.
        drawing.rectangle(
          x(index) + 4, y(label.height) - 8, 7.4 * Double(label.text.count) + 4, 16,
          "class=\"paper\" fill-opacity=\"0.8\"")
        drawing.text(x(index) + 6, y(label.height) + 4, label.text, "class=\"muted\"")
      }
    }
    return drawing
  }
}
