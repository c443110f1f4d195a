internal import Formatting
internal import Reports
package import Runs

extension RunReport {
  /// How many ranks have a bar.
  private static let rankLimit = 16
  /// With more marks than this on the time axis, checkpoints are left out.
  private static let markLimit = 24

  /// Where the time went, by phase and over the run.
  static func time(_ history: RunHistory) -> ReportPage.Section {
    var section = ReportPage.Section("Time", link: "Time")
    if let ranks = history.result?.rankTimes, ranks.count > rankLimit {
      section.paragraphs.append("The first \(rankLimit) of \(ranks.count) ranks are shown.")
    }
    section.paragraphs.append(
      "c: a checkpoint, s: a stop on request, R: resumed. Without a checkpoint's own time; the first step waits for "
        + "the data.")
    section.plots = [
      ReportPage.Plot("time", phases(history).drawing),
      ReportPage.Plot("throughput", throughputOverTime(history).drawing),
    ]
    if let plot = shares(history) {
      section.paragraphs.append(
        "Ranks of a node take micro-batches from one another as they become free, and nodes get shares in proportion to "
          + "their speeds: the model does not depend on which rank computed what.")
      section.plots.append(ReportPage.Plot("shares", plot.drawing))
    }
    section.tables = [
      ReportPage.Table(
        ["event", "after step", "second", "ranks"],
        zip(history.events, history.timeline.events).filter { $0.0.event != "checkpoint" }.map {
          event, time in
          [event.event, Numbers.grouped(event.step), Numbers.fixed(time, 1), "\(event.ranks)"]
        })
    ]
    return section
  }

  /// A bar per rank; of a run that is not over, the root's alone.
  private static func phases(_ history: RunHistory) -> ShareBars {
    let bars: [(name: String, phases: PhaseTimes)]
    if let ranks = history.result?.rankTimes {
      bars = ranks.prefix(rankLimit).enumerated().map { ("rank \($0)", $1.phases) }
    } else {
      var sum = PhaseTimes()
      for step in history.steps { sum += step.seconds }
      bars = [("rank 0", sum)]
    }
    return ShareBars(
      title: "Where the time of the steps went", parts: PhaseTimes().named.map(\.name),
      bars: bars.map { ($0.name, $0.phases.named.map(\.seconds)) })
  }

  /// What each rank computed, epoch by epoch; nil where one rank computed all.
  private static func shares(_ history: RunHistory) -> LinePlot? {
    let ranks = history.epochs.compactMap { $0.shares?.count }.max() ?? 0
    guard ranks > 1 else { return nil }
    var plot = LinePlot(
      title: "Shares of the work", xLabel: "epoch", yLabel: "per cent of the micro-batches",
      series: (0..<min(ranks, rankLimit)).map { rank in
        let points = history.epochs.compactMap { epoch -> (x: Double, y: Double)? in
          guard let shares = epoch.shares, rank < shares.count else { return nil }
          return (Double(epoch.epoch), 100 * shares[rank])
        }
        return LinePlot.Series(
          "rank \(rank)", points, style: .lineAndPoints, color: rank)
      })
    plot.startsAtZero = true
    plot.countsOnX = true
    return plot
  }

  private static func throughputOverTime(_ history: RunHistory) -> LinePlot {
    let times = history.timeline
    var plot = LinePlot(
      title: "Throughput over time", xLabel: "seconds since the start", yLabel: "images per second",
      series: [LinePlot.Series("throughput", throughput(history))])
    plot.startsAtZero = true
    let ends = [times.steps.last, times.events.last].compactMap(\.self).filter(\.isFinite)
    plot.xRange = 0...max(ends.max() ?? 1, 0)
    let letters = ["checkpoint": "c", "resume": "R", "stop": "s"]
    plot.marks = zip(history.events, times.events).compactMap { event, time in
      letters[event.event].map { (time, $0) }
    }
    if plot.marks.count > markLimit { plot.marks.removeAll { $0.label == "c" } }
    return plot
  }

  /// Images per second in windows of equally many steps, of which there are about `windows`, each at the second of the
  /// run in which it ends. A checkpoint's own time does not count.
  package static func throughput(_ history: RunHistory, windows: Int = 120) -> [(x: Double, y: Double)] {
    let times = history.timeline.steps
    let window = max(history.steps.count / windows, 1)
    return stride(from: 0, to: history.steps.count, by: window).map { start in
      let steps = history.steps[start..<min(start + window, history.steps.count)]
      let seconds = steps.reduce(0) { $0 + $1.seconds.total - $1.seconds.checkpoint }
      return (
        times[steps.endIndex - 1],
        Double(steps.count * history.recipe.globalBatch) / max(seconds, 1e-9)
      )
    }
  }
}
