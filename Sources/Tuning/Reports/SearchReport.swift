internal import Formatting
internal import Foundation
internal import Reports
internal import Training

/// The page of a search.
package struct SearchReport: Sendable {
  private let screen: SearchScreen
  private let halving: SuccessiveHalving
  /// By the parameters' keys, in the order of the space.
  private let axes: [(key: String, axis: ParameterAxis)]

  /// A page about what somebody sees who looks.
  package init(_ screen: SearchScreen) {
    self.screen = screen
    halving = SuccessiveHalving(eta: screen.settings.eta, rungs: screen.settings.rungs)
    let spaces = screen.settings.sources.compactMap { try? SearchSpace($0.space, origin: "the space") }
    var keys: [String] = []
    for parameter in spaces.flatMap(\.parameters) where !keys.contains(parameter.key) {
      keys.append(parameter.key)
    }
    axes = keys.map { key in
      let isLog = spaces.flatMap(\.parameters).contains { parameter in
        if case .range(_, _, let isLog, _) = parameter.domain { parameter.key == key && isLog } else { false }
      }
      return (key, ParameterAxis(screen.journal.records.map { $0.values[key] }, isLog: isLog))
    }
  }

  private var records: [TrialRecord] { screen.journal.records }
  private func records(ofRung rung: Int) -> [TrialRecord] {
    records.filter { $0.rung == rung }.sorted { $0.trial < $1.trial }
  }

  /// The page as HTML.
  package func html() throws -> String {
    let settings = screen.settings
    var page = ReportPage(
      title: "Lockstep: search \(URL(fileURLWithPath: screen.folder.path).lastPathComponent)",
      subtitle:
        "\(screen.status.rawValue): \(settings.actualTrials) trials, \(settings.rungs) rungs of \(settings.eta), "
        + "\(settings.sources.map(\.sampler.rawValue).joined(separator: ", then ")), seed \(settings.sources.last?.seed ?? 0), "
        + "dataset \(settings.place.dataset)")
    let scores = records.compactMap(\.result.validation)
    if let best = screen.ranked.first?.result.validation {
      page.figures.append(("\(Numbers.fixed(best.accuracy, 2)) %", "best validation accuracy"))
    }
    page.figures += [
      ("\(records.count)", "rows"), ("\(records.count - scores.count)", "diverged"),
      (Numbers.grouped(records.reduce(0) { $0 + $1.result.samples }), "training samples"),
      (Numbers.duration(records.reduce(0) { $0 + cost($1) }), "of rank time"),
    ]
    page.sections = [best, brackets, parameters, parallel, importance, costs].filter {
      !$0.plots.isEmpty || !$0.tables.isEmpty
    }
    return try page.html()
  }

  /// Seconds of all its ranks.
  private func cost(_ record: TrialRecord) -> Double { record.seconds * Double(record.ranks.count) }

  // MARK: - Sections

  private var best: ReportPage.Section {
    var section = ReportPage.Section("The best", link: "best")
    section.paragraphs = [
      "By validation accuracy, ties by the trial's number. Each row is a whole run of its recipe, whose schedule comes to its "
        + "end: lockstep train repeats it to the bit. The test set has not been looked at."
    ]
    section.tables = [
      ReportPage.Table(
        ["trial", "rung", "validation %", "loss", "steps"] + axes.map(\.key),
        screen.ranked.prefix(20).map { row in
          [
            "\(row.trial)", "\(row.rung)",
            row.result.validation.map { Numbers.fixed($0.accuracy, 2) } ?? "diverged",
            row.result.validation.map { Numbers.fixed($0.loss, 4) } ?? "–", Numbers.grouped(row.result.steps),
          ] + axes.map { row.values[$0.key]?.words ?? "–" }
        })
    ]
    if screen.ranked.first?.result.validation != nil {
      section.code = "lockstep train --recipe \(screen.folder.best)\n"
    }
    return section
  }

  private var brackets: ReportPage.Section {
    var section = ReportPage.Section("Rungs", link: "rungs")
    section.paragraphs = [
      "The best of each rung go on to the next, with \(screen.settings.eta) times the budget. A line is a trial on its way."
    ]
    let winner = screen.ranked.first?.trial
    let paths = Dictionary(grouping: records.filter { $0.result.validation != nil }, by: \.trial)
    let series = paths.keys.sorted { a, b in (a == winner ? 1 : 0, a) < (b == winner ? 1 : 0, b) }.map {
      trial in
      let points = (paths[trial] ?? []).sorted { $0.rung < $1.rung }.map { record in
        (x: Double(record.result.samples), y: record.result.validation?.accuracy ?? 0)
      }
      return LinePlot.Series(
        trial == winner ? "trial \(trial), the best" : "the others", points, style: .lineAndPoints,
        color: trial == winner ? 1 : 0,
        isNamed: trial == winner || trial == paths.keys.filter { $0 != winner }.min())
    }
    var plot = LinePlot(
      title: "Accuracy by budget", xLabel: "training samples", yLabel: "validation accuracy, %",
      series: series)
    plot.xScale = .logarithmic
    plot.yRange = range
    if !series.isEmpty { section.plots = [ReportPage.Plot("rungs", plot.drawing)] }
    section.tables = [
      ReportPage.Table(
        ["rung", "budget", "trials", "diverged", "best %", "median %", "worst %"],
        (0..<halving.rungs).map { rung in
          let rows = records(ofRung: rung)
          let scores = rows.compactMap { $0.result.validation?.accuracy }.sorted()
          let divisor = halving.divisor(ofRung: rung)
          func text(_ value: Double?) -> String { value.map { Numbers.fixed($0, 2) } ?? "–" }
          return [
            "\(rung)", divisor == 1 ? "1" : "1/\(divisor)", "\(rows.count)", "\(rows.count - scores.count)",
            text(scores.last), text(scores.isEmpty ? nil : scores[scores.count / 2]), text(scores.first),
          ]
        })
    ]
    return section
  }

  private var parameters: ReportPage.Section {
    var section = ReportPage.Section("Accuracy by parameter", link: "parameters")
    section.plots = axes.enumerated().map { index, entry in
      let series = (0..<halving.rungs).compactMap { rung -> LinePlot.Series? in
        let points = records(ofRung: rung).compactMap { record -> (x: Double, y: Double)? in
          guard let x = entry.axis.place(record.values[entry.key]), let y = record.result.validation?.accuracy
          else { return nil }
          return (x, y)
        }
        return points.isEmpty ? nil : LinePlot.Series("rung \(rung)", points, style: .points, color: rung)
      }
      var plot = LinePlot(
        title: entry.key, xLabel: entry.key, yLabel: "validation accuracy, %", series: series)
      plot.xNames = entry.axis.names
      plot.xScale = entry.axis.isLog ? .logarithmic : .linear
      plot.yRange = range
      return ReportPage.Plot("parameter-\(index)", plot.drawing)
    }
    return section
  }

  private var parallel: ReportPage.Section {
    var section = ReportPage.Section("Parallel coordinates", link: "parallel coordinates")
    section.paragraphs = [
      "A line is a trial of the first rung; the better it is, the stronger; the best tenth in orange."
    ]
    let rows = SearchScreen.ranked(records(ofRung: 0)).filter { $0.result.validation != nil }
    guard rows.count > 1 else { return section }
    let accuracies = rows.compactMap { $0.result.validation?.accuracy }
    let (low, high) = (range?.lowerBound ?? accuracies.min() ?? 0, accuracies.max() ?? 100)
    let lines = rows.enumerated().map { place, row in
      let accuracy = row.result.validation?.accuracy ?? 0
      return ParallelCoordinates.Line(
        axes.map { $0.axis.height(row.values[$0.key]) } + [high > low ? (accuracy - low) / (high - low) : 1],
        quality: 1 - Double(place) / Double(rows.count - 1))
    }
    let plot = ParallelCoordinates(
      title: "Parameters and accuracy of all trials",
      axes: axes.map { ParallelCoordinates.Axis($0.key, labels: $0.axis.labels) }
        + [
          ParallelCoordinates.Axis(
            "accuracy, %", labels: [(0, Numbers.fixed(low, 1)), (1, Numbers.fixed(high, 2))])
        ], lines: lines)
    section.plots = [ReportPage.Plot("parallel", plot.drawing)]
    return section
  }

  private var importance: ReportPage.Section {
    var section = ReportPage.Section("Importance", link: "importance")
    section.paragraphs = [
      "How much of the variance of the first rung's places each parameter explains by itself: trials in order of accuracy, grouped "
        + "by choices or by quarters of the numbers; the variance between groups less what chance alone would put there (Kelley's "
        + "ε²). What parameters do together is not in it, and few trials tell little."
    ]
    let rows = SearchScreen.ranked(records(ofRung: 0))
    let places = rows.indices.map { Double($0) }
    let all = axes.map { entry in
      let there = rows.indices.filter { rows[$0].values[entry.key] != nil }
      let groups = Importance.groups(there.map { rows[$0].values[entry.key] })
      return (
        key: entry.key, share: Importance.explained(there.map { places[$0] }, groups: groups),
        count: there.count
      )
    }
    let sorted = all.sorted { ($0.share ?? -1, $1.key) > ($1.share ?? -1, $0.key) }
    if rows.count > 1 {
      section.tables = [
        ReportPage.Table(
          ["parameter", "variance explained, %", "trials"],
          sorted.map { [$0.key, $0.share.map { Numbers.fixed(100 * $0, 0) } ?? "–", "\($0.count)"] })
      ]
    }
    return section
  }

  private var costs: ReportPage.Section {
    var section = ReportPage.Section("Cost", link: "cost")
    section.paragraphs = [
      "Seconds of all ranks that trained a row, as they were measured here, and what it came to; the front is what nothing cheaper "
        + "reaches."
    ]
    let points = records.compactMap { record in
      record.result.validation.map { (x: max(cost(record), 1e-3), y: $0.accuracy) }
    }.sorted { ($0.x, -$0.y) < ($1.x, -$1.y) }
    guard !points.isEmpty else { return section }
    var front: [(x: Double, y: Double)] = []
    for point in points where point.y > front.last?.y ?? -.infinity { front.append(point) }
    var plot = LinePlot(
      title: "Cost and accuracy", xLabel: "seconds of rank time", yLabel: "validation accuracy, %",
      series: [
        LinePlot.Series("rows", points, style: .points, color: 0),
        LinePlot.Series("front", front, style: .lineAndPoints, color: 1),
      ])
    plot.xScale = .logarithmic
    plot.yRange = range
    section.plots = [ReportPage.Plot("cost", plot.drawing)]
    return section
  }

  /// The accuracies to show: what lies far below the median would flatten the rest, and stands at the lower edge.
  private var range: ClosedRange<Double>? {
    let scores = records.compactMap { $0.result.validation?.accuracy }.sorted()
    guard let top = scores.last, scores.count > 3 else { return nil }
    let median = scores[scores.count / 2]
    let low = max(scores[0], median - 2 * (top - median))
    return low < top ? low...min(top + 0.05 * (top - low), 100) : nil
  }
}

/// Where a parameter's values stand on an axis.
struct ParameterAxis: Sendable {
  /// What the places 0, 1 and so on are called, where values are no numbers.
  let names: [String]?
  let isLog: Bool
  private let low: Double
  private let high: Double

  /// An axis for values, those that are not there left out.
  init(_ values: [JSONValue?], isLog: Bool) {
    let there = values.compactMap(\.self)
    let numbers = there.compactMap(\.double)
    guard numbers.count == there.count, Set(numbers).count > 4 || isLog else {
      // Few numbers are choices, in their order.
      let sorted = Set(there).sorted {
        ($0.double ?? -.infinity, $0.words) < ($1.double ?? -.infinity, $1.words)
      }
      names = sorted.map { String($0.words.prefix(24)) }
      self.isLog = false
      (low, high) = (0, Double(max(sorted.count - 1, 1)))
      places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Double($0)) })
      return
    }
    names = nil
    places = [:]
    self.isLog = isLog
    (low, high) = (numbers.min() ?? 0, numbers.max() ?? 1)
  }

  private let places: [JSONValue: Double]

  /// Where a value stands; nil for none.
  func place(_ value: JSONValue?) -> Double? {
    guard let value else { return nil }
    return names == nil ? value.double : places[value]
  }

  /// The same as a share of the axis, from 0 to 1.
  func height(_ value: JSONValue?) -> Double? {
    guard let place = place(value) else { return nil }
    guard high > low else { return 0.5 }
    return isLog && low > 0 ? log(place / low) / log(high / low) : (place - low) / (high - low)
  }

  /// What stands beside the axis.
  var labels: [(height: Double, text: String)] {
    if let names { return names.enumerated().map { (high > low ? Double($0) / high : 0.5, $1) } }
    func text(_ value: Double) -> String { String(format: "%.4g", value) }
    return high > low ? [(0, text(low)), (1, text(high))] : [(0.5, text(low))]
  }
}
