package import Reports

extension LinePlot {
  /// Speed-up over ranks, both on logarithmic scales, beside the ideal line.
  fileprivate static func speedUp(
    title: String, subtitle: String, series: [Series], ranks: [Int]
  ) -> LinePlot {
    let least = Double(ranks.min() ?? 1)
    let most = max(Double(ranks.max() ?? 1), 2 * least)
    // The last colour is grey.
    let ideal = Series("ideal", [(least, least), (most, most)], style: .dashed, color: 5)
    var plot = LinePlot(title: title, xLabel: "ranks", yLabel: "speed-up", series: [ideal] + series)
    plot.subtitle = subtitle
    (plot.xScale, plot.yScale) = (.powersOfTwo, .powersOfTwo)
    plot.height = 480
    if series.contains(where: { !$0.hollow.isEmpty }) {
      plot.hollowMeaning = "more ranks than cores, no measure of scaling"
    }
    return plot
  }
}

extension ScalingLadder {
  /// The speed-ups of all points that were measured: medians with their ranges.
  package func plot(title: String, subtitle: String) -> LinePlot {
    let series = [ScalingPoint.Mode.strong, .weak].enumerated().compactMap {
      color, mode -> LinePlot.Series? in
      let points = points.filter { $0.mode == mode && !$0.runs.isEmpty }
      let speedUps = points.compactMap { point in
        speedUp(of: point).map { (ranks: Double(point.ranks), spread: $0) }
      }
      guard !speedUps.isEmpty else { return nil }
      var series = LinePlot.Series(
        mode.rawValue, speedUps.map { ($0.ranks, $0.spread.median) }, style: .lineAndPoints, color: color)
      for (ranks, spread) in speedUps where spread.least < spread.most {
        series.ranges[ranks] = spread.least...spread.most
      }
      series.hollow = Set(points.filter(\.isOversubscribed).map { Double($0.ranks) })
      return series
    }
    return .speedUp(title: title, subtitle: subtitle, series: series, ranks: points.map(\.ranks))
  }
}

extension ScalingProjection {
  /// The computed speed-ups; where cores differ, those of both deals.
  package func plot(title: String, subtitle: String) -> LinePlot {
    var series = [
      LinePlot.Series(
        "\(mode.rawValue), projected", rows.map { (Double($0.ranks), $0.speedUp) }, color: 0)
    ]
    if coreSpeeds.differ {
      series.append(
        LinePlot.Series(
          "\(mode.rawValue), taking", rows.map { (Double($0.ranks), $0.takingSpeedUp) }, color: 1))
    }
    return .speedUp(title: title, subtitle: subtitle, series: series, ranks: rows.map(\.ranks))
  }
}
