internal import Formatting
internal import Reports
internal import Runs

extension RunReport {
  /// How loss, accuracy, learning rate and, of several runs, throughput went.
  static func curves(_ runs: [ReportedRun]) -> ReportPage.Section {
    var section = ReportPage.Section("Learning curves", link: "Learning curves")
    section.paragraphs = [
      "Lines: steps of training, each point the mean of some. Points: the validation split after each epoch."
    ]
    var loss = LinePlot(
      title: "Loss", xLabel: "step", yLabel: "cross-entropy, nats",
      series: series(runs, \.loss, \.validationLoss))
    loss.yScale = .logarithmic
    var accuracy = LinePlot(
      title: "Accuracy", xLabel: "step", yLabel: "per cent right",
      series: series(runs, \.accuracy, \.validationAccuracy))
    accuracy.yRange = accuracyRange(accuracy.series.flatMap { $0.points.map(\.y) })
    let rate = LinePlot(
      title: "Learning rate", xLabel: "step", yLabel: "learning rate",
      series: runs.enumerated().map { index, run in
        LinePlot.Series(
          run.name, LinePlot.smoothed(run.history.steps.map { (Double($0.step), $0.learningRate) }),
          color: index)
      })
    let throughput = LinePlot(
      title: "Throughput", xLabel: "epoch", yLabel: "images per second",
      series: runs.enumerated().map { index, run in
        LinePlot.Series(
          run.name, run.history.epochs.map { (Double($0.epoch), $0.imagesPerSecond) }, color: index)
      })
    var plots = [("loss", loss), ("accuracy", accuracy), ("learning-rate", rate)]
    if runs.count > 1 { plots.append(("throughput", throughput)) }
    let lastStep = Double(runs.compactMap { $0.history.steps.last?.step }.max() ?? 1)
    section.plots = plots.map { name, plot in
      var plot = plot
      plot.countsOnX = true
      if plot.xLabel == "step" { plot.xRange = 0...lastStep } else { plot.startsAtZero = true }
      return ReportPage.Plot(name, plot.drawing)
    }
    section.tables = runs.map { run in
      ReportPage.Table(
        ["epoch", "loss", "accuracy %", "validation loss", "validation accuracy %", "images/s"],
        run.history.epochs.map {
          [
            "\($0.epoch)", Numbers.fixed($0.loss, 4), Numbers.fixed($0.accuracy, 2),
            $0.validationLoss.map { Numbers.fixed($0, 4) } ?? "–",
            $0.validationAccuracy.map { Numbers.fixed($0, 2) } ?? "–",
            Numbers.grouped($0.imagesPerSecond),
          ]
        }, caption: runs.count == 1 ? nil : run.name)
    }
    return section
  }

  /// A line of each run's steps and points of its epochs. One run has a colour for each and both are named; of several
  /// runs each has one colour and its line alone is named.
  private static func series(
    _ runs: [ReportedRun], _ step: (StepRecord) -> Double, _ epoch: (EpochRecord) -> Double?
  ) -> [LinePlot.Series] {
    runs.enumerated().flatMap { index, run in
      let points = LinePlot.smoothed(run.history.steps.map { (Double($0.step), step($0)) })
      let validation = run.history.epochs.compactMap { record in
        epoch(record).map { (x: Double(record.step), y: $0) }
      }
      return [
        LinePlot.Series(runs.count == 1 ? "training" : run.name, points, color: index),
        LinePlot.Series(
          "validation", validation, style: .points, color: runs.count == 1 ? 1 : index,
          isNamed: runs.count == 1 && !validation.isEmpty),
      ]
    }
  }

  /// The accuracies to show, in per cent: without the lowest tenth of them, since what is reached in the first steps
  /// would flatten the rest; nil where nothing needs to be left out.
  package static func accuracyRange(_ accuracies: [Double]) -> ClosedRange<Double>? {
    guard let low = accuracies.sorted().dropFirst(accuracies.count / 10).first, low < 100 else { return nil }
    return low.rounded(.down)...100
  }
}
