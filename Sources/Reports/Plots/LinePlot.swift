internal import Formatting
internal import Foundation

/// Lines and points over two axes.
package struct LinePlot: Sendable {
  /// Points that belong together.
  package struct Series: Sendable {
    package enum Style: Sendable {
      case line
      case dashed
      case points
      /// A line, and a circle on each point.
      case lineAndPoints

      var hasLine: Bool { self != .points }
      var hasPoints: Bool { self == .points || self == .lineAndPoints }
    }

    package var name: String
    package var points: [(x: Double, y: Double)]
    package var style: Style
    /// Which colour; series of one run share theirs.
    package var color: Int
    /// Whether the legend names it.
    package var isNamed: Bool
    /// By the x of a point, the range of y that it stands for, drawn as a bar.
    package var ranges: [Double: ClosedRange<Double>] = [:]
    /// The x of points whose circles are hollow.
    package var hollow: Set<Double> = []

    package init(
      _ name: String, _ points: [(x: Double, y: Double)], style: Style = .line, color: Int = 0,
      isNamed: Bool = true
    ) {
      self.name = name
      self.points = points.filter { LinePlot.canShow($0.x) && LinePlot.canShow($0.y) }
      self.style = style
      self.color = color % PlotStyle.colorCount
      self.isNamed = isNamed
    }
  }

  package enum Scale: Sendable {
    case linear
    /// Equal ratios are equal distances; ticks at powers of ten and between them.
    case logarithmic
    /// The same, with ticks at powers of two.
    case powersOfTwo
  }

  package var title: String
  /// A line below the title; empty for none.
  package var subtitle = ""
  package var xLabel: String
  package var yLabel: String
  package var series: [Series]
  /// Moments on the x axis, with a letter or a word each.
  package var marks: [(x: Double, label: String)] = []
  package var xScale = Scale.linear
  package var yScale = Scale.linear
  /// What hollow points mean, for the legend; nil where there are none.
  package var hollowMeaning: String?
  /// In units of the picture, without the legend.
  package var height = 340.0
  /// The least and the greatest y to show; nil for what the points need.
  package var yRange: ClosedRange<Double>?
  package var xRange: ClosedRange<Double>?
  /// What x = 0, 1 and so on are called, where x is no number.
  package var xNames: [String]?
  /// Whether x counts something.
  package var countsOnX = false
  /// Whether the y axis begins at 0.
  package var startsAtZero = false

  package init(title: String, xLabel: String, yLabel: String, series: [Series]) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
  }

  /// Whether an axis can show a number: it is finite, and far from where differences overflow.
  static func canShow(_ value: Double) -> Bool { value.magnitude <= 1e100 }

  private static let width = 640.0
  private static let (left, right, bottom) = (76.0, 18.0, 50.0)
  private var top: Double { subtitle.isEmpty ? 44 : 62 }

  package var drawing: Drawing {
    let names = series.filter(\.isNamed)
    let legendRows = (names.count > 1 ? names.count : 0) + (hollowMeaning == nil ? 0 : 1)
    var drawing = Drawing(
      title: title, width: Self.width,
      height: height + 20 * Double(legendRows) + (legendRows > 0 ? 4 : 0))
    let points = series.flatMap(\.points)
    let marks = marks.filter { Self.canShow($0.x) }
    let xs = points.map(\.x) + marks.map(\.x)
    let named = xNames.map { -0.5...max(Double($0.count) - 0.5, 0.5) }
    let x = Axis(xs, range: named ?? xRange ?? (xs.min() ?? 0)...(xs.max() ?? 1), scale: xScale)
    let xTicks = xNames.map { $0.indices.map { Double($0) } } ?? x.ticks
    let ends = series.flatMap(\.ranges.values).flatMap { [$0.lowerBound, $0.upperBound] }
    let y = Axis(points.map(\.y) + ends + (startsAtZero ? [0] : []), range: yRange, scale: yScale)
    func place(_ point: (x: Double, y: Double)) -> (x: Double, y: Double) {
      let share = min(max(y.share(point.y), 0), 1)
      return (
        Self.left + x.share(point.x) * (Self.width - Self.left - Self.right),
        height - Self.bottom - share * (height - top - Self.bottom)
      )
    }
    let number = drawing.number

    drawing.text(Self.left, 24, title, "class=\"title\"")
    if !subtitle.isEmpty { drawing.text(Self.left, 44, subtitle, "class=\"muted\"") }
    for tick in xTicks where !countsOnX || tick == tick.rounded() {
      let at = place((tick, y.low)).x
      drawing.path(
        "M\(number(at)) \(number(top))V\(number(height - Self.bottom))", "class=\"grid\"")
      let label = xNames.map { $0[Int(tick)] } ?? (countsOnX ? Numbers.grouped(tick) : x.label(tick))
      drawing.text(
        at, height - Self.bottom + 18, label, "class=\"muted\" text-anchor=\"middle\"")
    }
    for tick in y.ticks {
      let at = place((x.low, tick)).y
      drawing.path("M\(number(Self.left)) \(number(at))H\(number(Self.width - Self.right))", "class=\"grid\"")
      drawing.text(Self.left - 8, at + 4, y.label(tick), "class=\"muted\" text-anchor=\"end\"")
    }
    drawing.path(
      "M\(number(Self.left)) \(number(top))V\(number(height - Self.bottom))"
        + "H\(number(Self.width - Self.right))", "class=\"axis\"")
    drawing.text(
      (Self.left + Self.width - Self.right) / 2, height - 12, xLabel, "text-anchor=\"middle\"")
    drawing.text(
      0, 0, yLabel,
      "text-anchor=\"middle\" transform=\"translate(16 \(number((top + height - Self.bottom) / 2))) "
        + "rotate(-90)\"")
    for mark in marks {
      let at = place((mark.x, y.low)).x
      drawing.path(
        "M\(number(at)) \(number(top))V\(number(height - Self.bottom))", "class=\"axis dashed\"")
      drawing.text(at, top - 4, mark.label, "class=\"muted\" text-anchor=\"middle\"")
    }
    func circle(_ x: Double, _ y: Double, color: Int, isHollow: Bool) {
      let look = isHollow ? "paper s\(color)\" stroke-width=\"1.8" : "f\(color)"
      drawing.elements.append(
        "<circle cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"4\" class=\"\(look)\"/>")
    }
    func lineClass(_ series: Series) -> String {
      "class=\"line s\(series.color)\(series.style == .dashed ? " dashed" : "")\""
    }
    for series in series {
      let placed = series.points.map(place)
      if series.style.hasLine, placed.count > 1 {
        let data = placed.enumerated().map {
          "\($0 == 0 ? "M" : "L")\(number($1.x)) \(number($1.y))"
        }.joined()
        drawing.path(data, lineClass(series))
      }
      for (x, range) in series.ranges.sorted(by: { $0.key < $1.key }) {
        let (low, high) = (place((x, range.lowerBound)), place((x, range.upperBound)))
        drawing.path("M\(number(low.x)) \(number(low.y))V\(number(high.y))", lineClass(series))
      }
      if series.style.hasPoints || placed.count == 1 {
        for (point, at) in zip(series.points, placed) {
          circle(at.x, at.y, color: series.color, isHollow: series.hollow.contains(point.x))
        }
      }
    }
    for (row, series) in names.enumerated() where names.count > 1 {
      let at = height + 8 + 20 * Double(row)
      if series.style.hasLine {
        drawing.path("M\(number(Self.left)) \(number(at - 4))h24", lineClass(series))
      }
      if series.style.hasPoints { circle(Self.left + 12, at - 4, color: series.color, isHollow: false) }
      drawing.text(Self.left + 32, at, series.name)
    }
    if let hollowMeaning {
      let at = height + 8 + 20 * Double(legendRows - 1)
      let color = series.first { !$0.hollow.isEmpty }?.color ?? 0
      circle(Self.left + 12, at - 4, color: color, isHollow: true)
      drawing.text(Self.left + 32, at, hollowMeaning)
    }
    return drawing
  }
}

/// One axis: what it shows and where its ticks are.
struct Axis {
  let low: Double
  let high: Double
  let ticks: [Double]
  private let scale: LinePlot.Scale
  private let places: Int

  init(_ values: [Double], range: ClosedRange<Double>?, scale: LinePlot.Scale) {
    self.scale = scale
    let usable = scale == .linear ? values : values.filter { $0 > 0 }
    let range = range?.clamped(to: -1e100...1e100)
    var low = range?.lowerBound ?? usable.min() ?? (scale == .linear ? 0 : 0.1)
    var high = range?.upperBound ?? usable.max() ?? 1
    switch scale {
    case .linear:
      // A span that is nothing beside its ends has no ticks between them.
      let magnitude = max(low.magnitude, high.magnitude)
      if !(high - low > max(1e-12 * magnitude, 1e-100)) {
        let margin = max(0.5, 1e-9 * magnitude)
        (low, high) = (low - margin, high + margin)
      }
      let rough = (high - low) / 5
      let power = pow(10, log10(rough).rounded(.down))
      let step = [1.0, 2, 5, 10].first { $0 * power >= rough * 0.999 }.map { $0 * power } ?? rough
      if range == nil {
        (low, high) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
      }
      places = max(0, -Int(log10(step).rounded(.down)))
      ticks = stride(
        from: (low / step - 1e-9).rounded(.up), through: (high / step + 1e-9).rounded(.down), by: 1
      )
      .map { $0 * step }
    case .logarithmic:
      low = max(low, 1e-8)
      if !(high > low * 1.5) { high = low * 2 }
      let decades = log10(high / low)
      let factors = decades > 3 ? [1.0] : decades > 1.5 ? [1, 3] : [1, 2, 5]
      let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
      let (least, most) = (low, high)
      ticks = powers.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }
        .filter { $0 >= least * 0.999 && $0 <= most * 1.001 }
      places = 0
    case .powersOfTwo:
      low = max(low, 1e-2)
      if !(high > low * 1.001) { high = low * 2 }
      let (first, last) = (log2(low * 0.999).rounded(.up), log2(high * 1.001).rounded(.down))
      ticks = stride(from: first, through: last, by: 1).map { exp2($0) }
      places = 0
    }
    (self.low, self.high) = (low, high)
  }

  /// Where a value stands, from 0 to 1.
  func share(_ value: Double) -> Double {
    switch scale {
    case .linear: (value - low) / (high - low)
    case .logarithmic, .powersOfTwo: value > 0 ? log(value / low) / log(high / low) : 0
    }
  }

  func label(_ tick: Double) -> String {
    if scale == .logarithmic {
      return Numbers.fixed(tick, max(0, -Int(log10(tick * 1.0001).rounded(.down))))
    }
    // A power of two below 1 has as many decimals as it is halvings away from 1.
    if scale == .powersOfTwo, tick < 1 { return Numbers.fixed(tick, Int(-log2(tick).rounded())) }
    if abs(tick) >= 1e6 { return Numbers.fixed(tick / 1e6, high - low < 5e6 ? 1 : 0) + " M" }
    return places == 0 ? Numbers.grouped(tick) : Numbers.fixed(tick, places)
  }
}

extension LinePlot {
  /// At most `limit` points, each the mean of its neighbours: what a curve of many noisy steps shows.
  package static func smoothed(_ points: [(x: Double, y: Double)], limit: Int = 150) -> [(
    x: Double, y: Double
  )] {
    let usable = points.filter { $0.y.isFinite }
    guard usable.count > limit else { return usable }
    return (0..<limit).map { bucket in
      let group = usable[bucket * usable.count / limit..<(bucket + 1) * usable.count / limit]
      let count = Double(group.count)
      return (group.reduce(0) { $0 + $1.x } / count, group.reduce(0) { $0 + $1.y } / count)
    }
  }
}
