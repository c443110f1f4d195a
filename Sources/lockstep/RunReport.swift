import Analysis
import Checkpoints
import Datasets
import Files
import Foundation
import Jobs
import Reports
import Runs
import Training

/// What a report says of one or several runs: a page, and its plots by name.
struct RunReport {
  /// A run and what its model makes of the test set and of its validation split.
  private struct Seen {
    var name: String
    var history: RunHistory
    var model: TrainedModel?
    var test: (predictions: Predictions, images: LabelledImages)?
    var validation: Predictions?
    /// What is missing and why.
    var notes: [String] = []
    /// What the model answers to the test set.
    var answers: [Answer] = []
  }

  private(set) var page: ReportPage
  private(set) var plots: [(name: String, drawing: Drawing)] = []
  private let office: PostalCase
  private let currency: String

  /// Looks at runs' folders and, with their models, at the dataset that `open` gives for a dataset's name.
  init(
    _ folders: [RunFolder], office: PostalCase, currency: String, open: (_ name: String?) throws -> Dataset
  ) throws {
    self.office = office
    self.currency = currency
    let histories = try folders.map { try RunHistory(folder: $0) }
    let names = Self.names(histories)
    var runs: [Seen] = []
    for (history, name) in zip(histories, names) { runs.append(try Self.look(history, name, open)) }
    let title = runs.count == 1 ? "Lockstep: \(names[0])" : "Lockstep: \(runs.count) runs"
    page = ReportPage(title: title, subtitle: runs.count == 1 ? Self.description(histories[0]) : "")
    if runs.count == 1 { page.figures = Self.figures(histories[0]) }
    if runs.count > 1 { page.sections.append(comparison(runs)) }
    page.sections.append(curves(runs))
    for run in runs { append(run, isAlone: runs.count == 1) }
  }

  // MARK: - Looking

  private static func look(
    _ history: RunHistory, _ name: String, _ open: (String?) throws -> Dataset
  ) throws -> Seen {
    var run = Seen(name: name, history: history)
    let files = FileManager.default
    var path = history.folder.final
    if !files.fileExists(atPath: path) {
      let store = CheckpointStore(folder: history.folder.checkpoints, keep: 1)
      guard let newest = try? store.list().max(by: { $0.step < $1.step }) else {
        run.notes.append("This run has no model yet, so what a model would make of the test set is missing.")
        return run
      }
      path = newest.path
      run.notes.append(
        "This run has not come to its end: the model is that after step \(Numbers.grouped(newest.step)).")
    }
    let model = try TrainedModel(path: path)
    run.model = model
    do {
      let dataset = try open(history.result?.dataset ?? history.launch?.dataset)
      let images = try dataset.read(.test, 0..<dataset.testCount)
      let predictions = model.predictions(images)
      run.test = (predictions, images)
      run.validation = try model.validationPredictions(dataset)
      run.answers = predictions.answers()
      let errors = run.answers.count { !$0.isRight }
      if let result = history.result, result.testErrors != errors {
        run.notes.append(
          "At the end of the run the model made \(result.testErrors) errors on the test set, here \(errors): this "
            + "is another dataset, or the run's products were OpenBLAS's own.")
      }
    } catch let error as FileError {
      run.notes.append("What needs the test set is missing: \(error).")
    }
    return run
  }

  /// What tells the runs apart: what differs in their recipes, else their folders.
  static func names(_ histories: [RunHistory]) -> [String] {
    let folders = histories.map { URL(fileURLWithPath: $0.folder.path).lastPathComponent }
    guard histories.count > 1 else { return folders }
    let recipes = histories.map { flattened($0.recipe) }
    var keys = Set(recipes.flatMap(\.keys)).sorted().filter { key in
      Set(recipes.map { $0[key] ?? "none" }).count > 1
    }
    // A built-in recipe's name says the rest; the second optimizer follows the first.
    if keys.contains("name") { keys = ["name"] }
    if keys.contains(where: { $0.hasPrefix("optimizer ") && !$0.hasPrefix("optimizer others ") }) {
      keys.removeAll { $0.hasPrefix("optimizer others ") }
    }
    let names = recipes.map { recipe in
      keys.map { key in
        let word = key.split(separator: " ").last.map(String.init) ?? key
        return key == "name" ? recipe[key] ?? "none" : "\(word) \(recipe[key] ?? "none")"
      }.joined(separator: ", ")
    }
    guard Set(names).count == names.count else {
      return zip(names, folders).map { $0.isEmpty ? $1 : "\($0) (\($1))" }
    }
    return names
  }

  private static func flattened(_ recipe: Recipe) -> [String: String] {
    let object = (try? JSONSerialization.jsonObject(with: Data(recipe.json().utf8))) as? [String: Any] ?? [:]
    var flat: [String: String] = [:]
    func add(_ value: Any, _ key: String) {
      if let values = value as? [String: Any] {
        for (name, value) in values { add(value, key.isEmpty ? name : "\(key) \(name)") }
      } else {
        flat[key] = "\(value)"
      }
    }
    add(object, "")
    return flat
  }

  // MARK: - The head

  private static func description(_ history: RunHistory) -> String {
    let recipe = history.recipe
    var parts = [
      "recipe \(recipe.name)", "\(recipe.network)", "global batch \(recipe.globalBatch)",
      "seed \(recipe.seed)",
    ]
    if let launch = history.launch { parts.insert(launch.dataset, at: 0) }
    return parts.joined(separator: " · ")
  }

  private static func figures(_ history: RunHistory) -> [(value: String, name: String)] {
    var figures: [(value: String, name: String)] = []
    if let result = history.result {
      figures.append((percent(result.testAccuracy), "test accuracy, \(result.testErrors) errors"))
      if let accuracy = result.validationAccuracy {
        figures.append((percent(accuracy), "validation accuracy"))
      }
      figures.append((Numbers.duration(result.trainingSeconds), "training"))
      figures.append((Numbers.grouped(Int(result.imagesPerSecond)), "images per second"))
      figures.append(("\(result.ranks)", result.ranks == 1 ? "rank" : "ranks"))
    } else if let last = history.epochs.last {
      if let accuracy = last.validationAccuracy {
        figures.append((percent(accuracy), "validation accuracy after epoch \(last.epoch)"))
      }
      figures.append((Numbers.grouped(history.steps.last?.step ?? 0), "steps so far"))
    }
    return figures
  }

  private static func percent(_ value: Double) -> String { Numbers.fixed(value, 2) + " %" }

  // MARK: - Curves

  private func comparison(_ runs: [Seen]) -> ReportPage.Section {
    var section = ReportPage.Section("Runs", link: "Runs")
    section.tables = [
      ReportPage.Table(
        [
          "run", "folder", "test accuracy", "errors", "validation", "epochs", "steps", "ranks", "images/s",
          "training",
        ],
        runs.map { run in
          let result = run.history.result
          return [
            run.name, run.history.folder.path, result.map { Self.percent($0.testAccuracy) } ?? "–",
            result.map { "\($0.testErrors)" } ?? "–",
            run.history.epochs.last?.validationAccuracy.map(Self.percent) ?? "–",
            "\(run.history.epochs.count)", Numbers.grouped(run.history.steps.last?.step ?? 0),
            run.history.events.last.map { "\($0.ranks)" } ?? "–",
            result.map { Numbers.grouped(Int($0.imagesPerSecond)) } ?? "–",
            result.map { Numbers.duration($0.trainingSeconds) } ?? "–",
          ]
        })
    ]
    return section
  }

  private mutating func curves(_ runs: [Seen]) -> ReportPage.Section {
    var section = ReportPage.Section("Learning curves", link: "Learning curves")
    section.paragraphs = [
      "Lines: steps of training, each point the mean of some. Points: the validation split after each epoch."
    ]
    func series(
      _ step: (StepRecord) -> Double, _ epoch: (EpochRecord) -> Double?
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
    var loss = LinePlot(
      title: "Loss", xLabel: "step", yLabel: "cross-entropy, nats",
      series: series(\.loss, \.validationLoss))
    loss.yScale = .logarithmic
    var accuracy = LinePlot(
      title: "Accuracy", xLabel: "step", yLabel: "per cent right",
      series: series(\.accuracy, \.validationAccuracy))
    // What is reached in the first steps would flatten the rest.
    let heights = accuracy.series.flatMap { $0.points.map(\.y) }.sorted()
    if let low = heights.dropFirst(heights.count / 10).first, low < 100 {
      accuracy.yRange = low.rounded(.down)...100
    }
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
    var all = [("loss", loss), ("accuracy", accuracy), ("learning-rate", rate)]
    if runs.count > 1 { all.append(("throughput", throughput)) }
    let lastStep = Double(runs.compactMap { $0.history.steps.last?.step }.max() ?? 1)
    for (name, var plot) in all {
      plot.countsOnX = true
      if plot.xLabel == "step" { plot.xRange = 0...lastStep } else { plot.startsAtZero = true }
      add(plot.drawing, name, &section)
    }
    section.tables = runs.map { run in
      ReportPage.Table(
        ["epoch", "loss", "accuracy %", "validation loss", "validation accuracy %", "images/s"],
        run.history.epochs.map {
          [
            "\($0.epoch)", Numbers.fixed($0.loss, 4), Numbers.fixed($0.accuracy, 2),
            $0.validationLoss.map { Numbers.fixed($0, 4) } ?? "–",
            $0.validationAccuracy.map { Numbers.fixed($0, 2) } ?? "–",
            Numbers.grouped(Int($0.imagesPerSecond)),
          ]
        }, caption: runs.count == 1 ? nil : run.name)
    }
    return section
  }

  private mutating func add(_ drawing: Drawing, _ name: String, _ section: inout ReportPage.Section) {
    plots.append((name, drawing))
    section.plots.append(drawing)
  }

  // MARK: - One run

  private mutating func append(_ run: Seen, isAlone: Bool) {
    let prefix = isAlone ? "" : "\(run.name): "
    // Names of files.
    let place = isAlone ? "" : "run\(page.sections.count)-"
    var first = true
    func section(_ title: String) -> ReportPage.Section {
      var section = ReportPage.Section(prefix + title, link: isAlone ? title : first ? run.name : nil)
      if first { section.paragraphs = run.notes }
      first = false
      return section
    }
    if let test = run.test {
      page.sections.append(quality(run, test.predictions, section("Right and wrong"), place))
      page.sections.append(gallery(run.answers, test, section("Mistakes")))
    }
    if let filters = run.model?.firstFilters {
      page.sections.append(pictures(filters, section("The first layer's filters")))
    }
    page.sections.append(time(run.history, section("Time"), place))
    if let test = run.test {
      page.sections.append(
        postal(test.predictions, run.validation, section("The postal business case"), place))
    }
    page.sections.append(repetition(run.history, section("To repeat it")))
  }

  private mutating func quality(
    _ run: Seen, _ predictions: Predictions, _ section: ReportPage.Section, _ place: String
  ) -> ReportPage.Section {
    var section = section
    let answers = run.answers
    let confusion = Confusion(answers, classCount: predictions.classCount)
    add(
      MatrixPlot(title: "Confusion on the test set", counts: confusion.counts).drawing, place + "confusion",
      &section)
    var series = [
      LinePlot.Series("as often right as said", [(0, 0), (100, 100)], style: .dashed, color: 5),
      LinePlot.Series("the model", Self.reliability(Calibration.bins(answers)), style: .points),
    ]
    if let validation = run.validation {
      let temperature = Calibration.temperature(fitting: validation)
      let calibrated = Calibration.bins(predictions.answers(temperature: temperature))
      series.append(
        LinePlot.Series(
          "at temperature \(Numbers.fixed(temperature, 2)), fitted on the validation split",
          Self.reliability(calibrated), style: .points, color: 1))
    }
    var plot = LinePlot(
      title: "Calibration on the test set", xLabel: "confidence, per cent", yLabel: "right, per cent",
      series: series)
    (plot.xRange, plot.yRange) = (0...100, 0...100)
    add(plot.drawing, place + "calibration", &section)
    func share(_ value: Double?) -> String { value.map { Numbers.fixed(100 * $0, 2) } ?? "–" }
    section.tables = [
      ReportPage.Table(
        ["digit", "images", "precision %", "recall %"],
        confusion.counts.indices.map { digit in
          [
            "\(digit)", Numbers.grouped(confusion.counts[digit].reduce(0, +)),
            share(confusion.precision(digit)),
            share(confusion.recall(digit)),
          ]
        }),
      ReportPage.Table(
        ["confidence %", "images", "right %", "mean confidence %"],
        Calibration.bins(answers).map {
          [
            "\(Int(100 * $0.lower))–\(Int(100 * $0.upper))", Numbers.grouped($0.count), share($0.accuracy),
            share($0.meanConfidence),
          ]
        }),
    ]
    return section
  }

  private static func reliability(_ bins: [Calibration.Bin]) -> [(x: Double, y: Double)] {
    bins.map { (100 * $0.meanConfidence, 100 * $0.accuracy) }
  }

  private static let galleryLimit = 200

  private func gallery(
    _ answers: [Answer], _ test: (predictions: Predictions, images: LabelledImages),
    _ section: ReportPage.Section
  ) -> ReportPage.Section {
    var section = section
    let images = test.images
    let wrong = answers.mistakes
    section.paragraphs.append(
      "\(Numbers.grouped(wrong.count)) of \(Numbers.grouped(answers.count)) test images, the most confident mistakes "
        + "first"
        + (wrong.count > Self.galleryLimit ? "; the first \(Self.galleryLimit) are shown." : ".")
        + " Truth → prediction, the probabilities of both, and the index in the test set.")
    section.pictures = wrong.prefix(Self.galleryLimit).map { answer in
      ReportPage.Picture(
        address: PNGImage.address(
          ofGrey: images.image(answer.index), width: images.columns, height: images.rows),
        lines: [
          "\(answer.truth) → \(answer.prediction)",
          "\(answer.prediction): \(Numbers.fixed(100 * answer.confidence, 1)) %",
          "\(answer.truth): \(Numbers.fixed(100 * answer.truthProbability, 1)) %", "#\(answer.index)",
        ])
    }
    return section
  }

  private func pictures(
    _ layer: (height: Int, width: Int, filters: [[Float]]), _ section: ReportPage.Section
  ) -> ReportPage.Section {
    var section = section
    let largest = layer.filters.flatMap { $0 }.map(abs).max() ?? 0
    section.paragraphs.append(
      "White adds to a filter's answer, black takes away, grey is 0; one scale for all.")
    section.pictures = layer.filters.enumerated().map { index, filter in
      let pixels = filter.map { UInt8(clamping: Int((127.5 + 127.5 * $0 / max(largest, 1e-12)).rounded())) }
      return ReportPage.Picture(
        address: PNGImage.address(ofGrey: pixels, width: layer.width, height: layer.height),
        lines: ["\(index + 1)"])
    }
    return section
  }

  private mutating func time(
    _ history: RunHistory, _ section: ReportPage.Section, _ place: String
  ) -> ReportPage.Section {
    var section = section
    let bars: [(name: String, phases: PhaseTimes)]
    if let ranks = history.result?.rankTimes {
      bars = ranks.prefix(16).enumerated().map { ("rank \($0)", $1.phases) }
      if ranks.count > 16 {
        section.paragraphs.append("The first 16 of \(ranks.count) ranks are shown.")
      }
    } else {
      var sum = PhaseTimes()
      for step in history.steps { sum += step.seconds }
      bars = [("rank 0", sum)]
    }
    add(
      ShareBars(
        title: "Where the time of the steps went", parts: PhaseTimes().named.map(\.name),
        bars: bars.map { ($0.name, $0.phases.named.map(\.seconds)) }
      ).drawing, place + "time", &section)
    let times = history.timeline
    let window = max(history.steps.count / 120, 1)
    var points: [(x: Double, y: Double)] = []
    for start in stride(from: 0, to: history.steps.count, by: window) {
      let steps = history.steps[start..<min(start + window, history.steps.count)]
      let seconds = steps.reduce(0) { $0 + $1.seconds.total - $1.seconds.checkpoint }
      points.append(
        (
          times.steps[steps.endIndex - 1],
          Double(steps.count * history.recipe.globalBatch) / max(seconds, 1e-9)
        ))
    }
    var plot = LinePlot(
      title: "Throughput over time", xLabel: "seconds since the start", yLabel: "images per second",
      series: [LinePlot.Series("throughput", points)])
    plot.startsAtZero = true
    plot.xRange = 0...max(times.steps.last ?? 1, times.events.last ?? 1)
    let letters = ["checkpoint": "c", "resume": "R", "stop": "s"]
    plot.marks = zip(history.events, times.events).compactMap { event, time in
      letters[event.event].map { (time, $0) }
    }
    if plot.marks.count > 24 { plot.marks.removeAll { $0.label == "c" } }
    add(plot.drawing, place + "throughput", &section)
    section.paragraphs.append(
      "c: a checkpoint, s: a stop on request, R: resumed. Without a checkpoint's own time; the first step waits for "
        + "the data.")
    section.tables = [
      ReportPage.Table(
        ["event", "after step", "second", "ranks"],
        zip(history.events, times.events).filter { $0.0.event != "checkpoint" }.map { event, time in
          [event.event, Numbers.grouped(event.step), Numbers.fixed(time, 1), "\(event.ranks)"]
        })
    ]
    return section
  }

  private mutating func postal(
    _ test: Predictions, _ validation: Predictions?, _ section: ReportPage.Section, _ place: String
  ) -> ReportPage.Section {
    var section = section
    let figures = PostalFigures(test: test, validation: validation, office: office)
    section.code = figures.text(currency: currency)
    guard let reject = figures.reject else { return section }
    let chosen = "cheapest on the validation split"
    let byThreshold = LinePlot(
      title: "A year's cost against the threshold", xLabel: "threshold for the least certain digit, per cent",
      yLabel: "million \(currency)",
      series: [
        LinePlot.Series("test set", reject.curve.map { (100 * min($0.threshold, 1), $0.cost / 1e6) }),
        LinePlot.Series(
          chosen, [(100 * reject.chosen.threshold, reject.chosen.cost / 1e6)], style: .points, color: 1),
      ])
    add(byThreshold.drawing, place + "postal-threshold", &section)
    var byShare = LinePlot(
      title: "A year's cost against the letters that a person reads",
      xLabel: "letters read by a person, per cent",
      yLabel: "million \(currency)",
      series: [
        LinePlot.Series("test set", reject.curve.map { (100 * $0.manualShare, $0.cost / 1e6) }),
        LinePlot.Series(
          chosen, [(100 * reject.chosen.manualShare, reject.chosen.cost / 1e6)], style: .points, color: 1),
      ])
    byShare.xRange = 0...60
    byShare.series[0].points.removeAll { $0.x > 60 }
    add(byShare.drawing, place + "postal-manual", &section)
    return section
  }

  private func repetition(_ history: RunHistory, _ section: ReportPage.Section) -> ReportPage.Section {
    var section = section
    var lines: [String] = []
    if let launch = history.launch {
      let words = launch.command.map { word in
        word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=,".contains($0) } && !word.isEmpty
          ? word : "'" + word.replacing("'", with: "'\\''") + "'"
      }
      let ranks = launch.bindings.count
      lines.append(
        "command         " + (ranks > 1 ? "mpirun -n \(ranks) " : "") + words.joined(separator: " "))
      lines.append("lockstep        \(launch.version)")
      lines.append("products        \(launch.kernel)")
      lines.append("ranks           \(launch.bindings.joined(separator: "; "))")
      lines.append("dataset         \(launch.dataset)")
      lines.append("  sha256        \(launch.datasetDigest)")
    }
    if let result = history.result {
      lines.append("model           \(history.folder.final)")
      lines.append("  sha256        \(result.checkpointDigest)")
      lines.append("parameters      \(result.parametersDigest)")
    }
    lines.append("recipe          \(history.recipe.json())")
    section.code = lines.joined(separator: "\n") + "\n"
    return section
  }
}
