internal import Analysis
internal import Reports

extension RunReport {
  /// What the model is worth to a sorting office.
  static func postal(_ figures: PostalFigures, currency: String) -> ReportPage.Section {
    let title = "The postal business case"
    var section = ReportPage.Section(title, link: title)
    section.code = figures.text(currency: currency)
    guard let reject = figures.reject else { return section }
    func plot(
      _ title: String, against label: String, _ x: (PostalCase.Point) -> Double, upTo limit: Double? = nil
    ) -> LinePlot {
      func points(_ curve: [PostalCase.Point]) -> [(x: Double, y: Double)] {
        curve.map { (x($0), $0.cost / 1e6) }
      }
      var plot = LinePlot(
        title: title, xLabel: label, yLabel: "million \(currency)",
        series: [
          LinePlot.Series("test set", points(reject.curve).filter { $0.x <= limit ?? .infinity }),
          LinePlot.Series(
            "cheapest on the validation split", points([reject.chosen]), style: .points, color: 1),
        ])
      plot.xRange = limit.map { 0...$0 }
      return plot
    }
    section.plots = [
      ReportPage.Plot(
        "postal-threshold",
        plot(
          "A year's cost against the threshold", against: "threshold for the least certain digit, per cent",
          // The last point of a curve lies above all confidences.
          { 100 * min($0.threshold, 1) }
        ).drawing),
      ReportPage.Plot(
        "postal-manual",
        plot(
          "A year's cost against the letters that a person reads",
          against: "letters read by a person, per cent", { 100 * $0.manualShare }, upTo: 60
        ).drawing),
    ]
    return section
  }
}
