internal import Foundation

/// Speed-up over ranks as an SVG picture, both on logarithmic scales, with the ideal line.
public struct ScalingPlot {
  /// One line of points.
  public struct Series {
    public var name: String
    /// Ranks, speed-up with its range, and whether ranks shared cores.
    public var points: [(ranks: Int, speedUp: Spread, isOversubscribed: Bool)]
    /// Whether it was computed and not measured.
    public var isProjection: Bool

    public init(
      name: String, points: [(ranks: Int, speedUp: Spread, isOversubscribed: Bool)],
      isProjection: Bool = false
    ) {
      self.name = name
      self.points = points
      self.isProjection = isProjection
    }
  }

  public var title: String
  /// A line below the title: machine, recipe.
  public var subtitle: String
  public var series: [Series]

  public init(title: String, subtitle: String, series: [Series]) {
    self.title = title
    self.subtitle = subtitle
    self.series = series
  }

  private static let colors = ["#1f5fa8", "#c2571a", "#3b7d3b", "#7a4b94"]
  private static let (width, height) = (720.0, 520.0)
  private static let (left, right, top, bottom) = (64.0, 24.0, 76.0, 56.0)

  public var svg: String {
    let all = series.flatMap(\.points)
    let lowest = log2(Double(max(all.map(\.ranks).min() ?? 1, 1)))
    let highest = max(log2(Double(all.map(\.ranks).max() ?? 1)), lowest + 1)
    let floor = min(log2(max(all.map(\.speedUp.least).min() ?? 1, 0.01)), lowest)
    func x(_ ranks: Double) -> Double {
      Self.left + (log2(ranks) - lowest) / (highest - lowest) * (Self.width - Self.left - Self.right)
    }
    func y(_ speedUp: Double) -> Double {
      Self.height - Self.bottom
        - (log2(max(speedUp, 0.01)) - floor) / (highest - floor) * (Self.height - Self.top - Self.bottom)
    }
    func number(_ value: Double) -> String { String(format: "%.1f", value) }
    func text(_ x: Double, _ y: Double, _ words: String, _ style: String) -> String {
      let escaped = words.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
      return "<text x=\"\(number(x))\" y=\"\(number(y))\" \(style)>\(escaped)</text>"
    }

    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" "
        + "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      text(Self.left, 28, title, "font-size=\"18\" font-weight=\"bold\""),
      text(Self.left, 48, subtitle, "fill=\"#555\""),
    ]
    for power in Int(lowest.rounded(.down))...Int(highest.rounded(.up)) {
      let ranks = exp2(Double(power))
      guard Double(power) >= lowest - 0.001, Double(power) <= highest + 0.001 else { continue }
      lines.append(
        "<path d=\"M\(number(x(ranks))) \(number(Self.top))V\(number(Self.height - Self.bottom))\" "
          + "stroke=\"#e4e4e4\"/>")
      lines.append(text(x(ranks), Self.height - Self.bottom + 20, "\(Int(ranks))", "text-anchor=\"middle\""))
    }
    for power in Int(floor.rounded(.up))...Int(highest.rounded(.up)) {
      let speedUp = exp2(Double(power))
      guard y(speedUp) >= Self.top - 0.5 else { continue }
      lines.append(
        "<path d=\"M\(number(Self.left)) \(number(y(speedUp)))H\(number(Self.width - Self.right))\" "
          + "stroke=\"#e4e4e4\"/>")
      lines.append(
        text(
          Self.left - 8, y(speedUp) + 4, power < 0 ? String(format: "%g", speedUp) : "\(Int(speedUp))",
          "text-anchor=\"end\""))
    }
    lines.append(
      text((Self.left + Self.width - Self.right) / 2, Self.height - 14, "ranks", "text-anchor=\"middle\""))
    lines.append(
      text(
        0, 0, "speed-up",
        "text-anchor=\"middle\" transform=\"translate(18 \(number((Self.top + Self.height - Self.bottom) / 2))) "
          + "rotate(-90)\""))
    let (first, last) = (exp2(lowest), exp2(highest))
    lines.append(
      "<path d=\"M\(number(x(first))) \(number(y(first)))L\(number(x(last))) \(number(y(last)))\" stroke=\"#888\" "
        + "stroke-dasharray=\"5 4\"/>")

    var legend = [("ideal", "#888", true)]
    for (index, series) in series.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      legend.append((series.name, color, series.isProjection))
      let path = series.points.enumerated().map { position, point in
        "\(position == 0 ? "M" : "L")\(number(x(Double(point.ranks)))) \(number(y(point.speedUp.median)))"
      }.joined()
      lines.append(
        "<path d=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\""
          + (series.isProjection ? " stroke-dasharray=\"2 3\"" : "") + "/>")
      for point in series.points where !series.isProjection {
        let px = number(x(Double(point.ranks)))
        lines.append(
          "<path d=\"M\(px) \(number(y(point.speedUp.least)))V\(number(y(point.speedUp.most)))\" "
            + "stroke=\"\(color)\"/>")
        lines.append(
          "<circle cx=\"\(px)\" cy=\"\(number(y(point.speedUp.median)))\" r=\"5\" stroke=\"\(color)\" "
            + "stroke-width=\"2\" fill=\"\(point.isOversubscribed ? "white" : color)\"/>")
      }
    }
    if all.contains(where: \.isOversubscribed) {
      legend.append(("hollow: more ranks than cores, no measure of scaling", "none", false))
    }
    for (index, entry) in legend.enumerated() {
      let py = Self.top + 18 + Double(index) * 20
      lines.append(
        "<path d=\"M\(number(Self.left + 14)) \(number(py - 4))h26\" stroke=\"\(entry.1)\" stroke-width=\"2\""
          + (entry.2 ? " stroke-dasharray=\"4 3\"" : "") + "/>")
      lines.append(text(Self.left + 48, py, entry.0, ""))
    }
    return lines.joined(separator: "\n") + "\n</svg>\n"
  }
}
