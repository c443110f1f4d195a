internal import Analysis
internal import Formatting
internal import Reports

extension RunReport {
  /// What was taken for what, and whether the model is right as often as it says.
  static func quality(_ test: ReportedRun.Test, validation: Predictions?) -> ReportPage.Section {
    var section = ReportPage.Section("Right and wrong", link: "Right and wrong")
    let confusion = Confusion(test.answers, classCount: test.predictions.classCount)
    let bins = Calibration.bins(test.answers)
    section.plots = [
      ReportPage.Plot(
        "confusion",
        MatrixPlot(
          title: "Confusion on the test set", counts: confusion.counts,
          classes: confusion.abridgement == nil ? nil : confusion.mostConfused(Confusion.matrixLimit)
        ).drawing),
      ReportPage.Plot("calibration", calibration(test.predictions, bins, validation: validation).drawing),
    ]
    func share(_ value: Double?) -> String { value.map { Numbers.fixed(100 * $0, 2) } ?? "–" }
    if let abridgement = confusion.abridgement { section.paragraphs.append(abridgement) }
    let classes =
      confusion.abridgement == nil
      ? Array(confusion.counts.indices) : Array(confusion.leastFound.prefix(Confusion.listLimit))
    section.tables = [
      ReportPage.Table(
        [confusion.noun, "images", "precision %", "recall %"],
        classes.map { digit in
          [
            "\(digit)", Numbers.grouped(confusion.counts[digit].reduce(0, +)),
            share(confusion.precision(digit)), share(confusion.recall(digit)),
          ]
        }),
      ReportPage.Table(
        ["confidence %", "images", "right %", "mean confidence %"],
        bins.map {
          [
            "\(Int(100 * $0.lower))–\(Int(100 * $0.upper))", Numbers.grouped($0.count), share($0.accuracy),
            share($0.meanConfidence),
          ]
        }),
    ]
    if confusion.counts.count > 10 {
      section.tables.append(
        ReportPage.Table(
          ["truth", "predicted", "images"], confusion.commonPairs, caption: "The pairs that are confused most"
        ))
    }
    return section
  }

  /// The reliability diagram: how often the model is right against how often it says so.
  private static func calibration(
    _ predictions: Predictions, _ bins: [Calibration.Bin], validation: Predictions?
  ) -> LinePlot {
    func reliability(_ bins: [Calibration.Bin]) -> [(x: Double, y: Double)] {
      bins.map { (100 * $0.meanConfidence, 100 * $0.accuracy) }
    }
    var series = [
      LinePlot.Series("as often right as said", [(0, 0), (100, 100)], style: .dashed, color: 5),
      LinePlot.Series("the model", reliability(bins), style: .points),
    ]
    if let validation {
      let temperature = Calibration.temperature(fitting: validation)
      let calibrated = Calibration.bins(predictions.answers(temperature: temperature))
      series.append(
        LinePlot.Series(
          "at temperature \(Numbers.fixed(temperature, 2)), fitted on the validation split",
          reliability(calibrated), style: .points, color: 1))
    }
    var plot = LinePlot(
      title: "Calibration on the test set", xLabel: "confidence, per cent", yLabel: "right, per cent",
      series: series)
    (plot.xRange, plot.yRange) = (0...100, 0...100)
    return plot
  }
}
