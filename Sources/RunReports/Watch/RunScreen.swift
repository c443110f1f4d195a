internal import Formatting
internal import Reports
package import Runs

/// What somebody who watches a run sees of it, in words and in curves of characters.
package struct RunScreen {
  /// What the run has left so far.
  package let history: RunHistory
  /// How far it was when somebody looked: a moment later `history` may say something else.
  package let status: RunHistory.Status

  package init(_ history: RunHistory, _ status: RunHistory.Status) {
    self.history = history
    self.status = status
  }

  /// Of so many steps the mean is shown.
  private static let recentSteps = 100
  /// More hosts are only counted.
  private static let hostLimit = 6

  /// Each epoch that is over, a line each.
  package var epochs: [String] { history.epochs.map { $0.line(of: epochCount) } }

  /// The screen: at most `columns` characters to a line.
  package func lines(columns: Int) -> [String] {
    let path = history.folder.path
    let width = min(columns, 100)
    // Of a long path the end tells more.
    var lines = [path.count > columns ? "…" + path.suffix(columns - 1) : path, headline]
    lines.append(progress(columns: columns))
    let loss = LinePlot.smoothed(history.steps.map { (Double($0.step), $0.loss) }, limit: 2 * width)
    lines += ["loss over steps"] + TextPlot.lines(loss, columns: width, rows: 6, isLogarithmic: true)
    let validation = history.epochs.compactMap { record in
      record.validationAccuracy.map { (x: Double(record.epoch), y: $0) }
    }
    if validation.count > 1 {
      lines += ["validation accuracy over epochs, %"] + TextPlot.lines(validation, columns: width, rows: 4)
    }
    if let last = epochs.last { lines.append(last) }
    return lines.map { String($0.prefix(columns)) }
  }

  /// How the run ended, and how to go on if it has not come to its end.
  package var outcome: String {
    let step = Numbers.grouped(history.steps.last?.step ?? history.events.last?.step ?? 0)
    let folder = history.folder.path
    switch status {
    case .running: return "running"
    case .finished:
      guard let result = history.result else { return "finished" }
      return
        "finished: test accuracy \(Numbers.fixed(result.testAccuracy, 2)) % (\(result.testErrors) errors), training "
        + "\(Numbers.duration(result.trainingSeconds))"
    case .stopped:
      return "stopped on request after step \(step); go on with: lockstep train --run \(folder) --resume"
    case .diverged:
      let loss = history.steps.last.map { ", loss \($0.loss.isNaN ? Float.nan : Float($0.loss))" } ?? ""
      return
        "diverged after step \(step)\(loss): going on would end the same way; a lower --learning-rate or "
        + "--clip-gradients helps, in another --run"
    case .dead:
      return
        "dead: no process writes \(folder) any more, and it has not come to its end; last step on record \(step); go on "
        + "with: lockstep train --run \(folder) --resume"
    }
  }

  /// How many epochs the run will have.
  private var epochCount: Int {
    guard let launch = history.launch else { return history.recipe.epochs }
    return (launch.totalSteps + launch.stepsPerEpoch - 1) / max(launch.stepsPerEpoch, 1)
  }

  /// `running, recipe quick on 8 ranks: node1 ×4, node2 ×4`.
  private var headline: String {
    let word =
      switch status {
      case .running: "running"
      case .finished: "finished"
      case .stopped: "stopped"
      case .diverged: "diverged"
      case .dead: "no process"
      }
    let ranks = history.events.last?.ranks ?? 0
    return "\(word), recipe \(history.recipe.title) on \(ranks) \(ranks == 1 ? "rank" : "ranks")\(hosts)"
  }

  private var hosts: String {
    let names = (history.launch?.bindings ?? []).map { String($0.prefix { $0 != ":" }) }
    let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
    guard !counts.isEmpty else { return "" }
    var shown = counts.keys.sorted().map { counts[$0] == 1 ? $0 : "\($0) ×\(counts[$0] ?? 0)" }
    if shown.count > Self.hostLimit {
      shown = shown.prefix(Self.hostLimit) + ["and \(counts.count - Self.hostLimit) more hosts"]
    }
    return ": " + shown.joined(separator: ", ")
  }

  private func progress(columns: Int) -> String {
    guard let step = history.steps.last else { return "no step yet" }
    let recent = history.steps.suffix(Self.recentSteps)
    let seconds = recent.reduce(0) { $0 + $1.seconds.total }
    return ProgressLine(
      epoch: step.epoch, epochs: epochCount, step: step.step,
      totalSteps: history.launch?.totalSteps ?? step.step,
      loss: recent.reduce(0) { $0 + $1.loss } / Double(recent.count),
      accuracy: recent.reduce(0) { $0 + $1.accuracy } / Double(recent.count),
      imagesPerSecond: Double(recent.count * history.recipe.globalBatch) / max(seconds, 1e-9),
      secondsLeft: status == .finished ? 0 : history.secondsLeft ?? 0
    ).text(columns: columns)
  }
}
