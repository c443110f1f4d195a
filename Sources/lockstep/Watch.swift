import ArgumentParser
import Files
import Foundation
import Reports
import Runs
import Training

/// `lockstep watch`.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow a run: curves, ranks, time left.",
    discussion: """
      Example:
        ssh node1 -t lockstep watch /shared/runs/first
      Ends with the run: with 0 if it has come to its end, 75 if it was stopped on request, 1 if it is dead. On a pipe it \
      prints a line for each epoch. --once looks once.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Option(help: ArgumentHelp("How often to look.", valueName: "seconds"))
  var interval = 0.5

  @Option(
    help: ArgumentHelp(
      "How long a run may have no process before it counts as dead; `lockstep launch` restarts within that.",
      valueName: "seconds"))
  var patience = 10.0

  @Flag(help: "Look once and say how far the run is.")
  var once = false

  func validate() throws {
    guard (0.05...3600).contains(interval) else {
      throw ValidationError("--interval must be from 0.05 to 3600 seconds, found \(interval)")
    }
    guard patience >= 0 else { throw ValidationError("--patience must be at least 0, found \(patience)") }
  }

  func run() throws {
    var history = try RunHistory(folder: RunFolder(path: folder))
    let terminal = once ? nil : Terminal.current
    var (drawn, told) = (0, 0)
    var lastSeen = MonotonicClock.now()
    while true {
      let status = history.status
      if status != .dead { lastSeen = MonotonicClock.now() }
      let isOver =
        once || status == .finished || status == .stopped
        || status == .dead && MonotonicClock.now() - lastSeen >= patience
      if let terminal {
        let lines = screen(history, status, columns: terminal.columns)
        let up = drawn > 0 ? "\u{1B}[\(drawn)A\r\u{1B}[J" : ""
        write(up + lines.map { $0 + "\n" }.joined())
        drawn = lines.count
      } else {
        if !once {
          for record in history.epochs.dropFirst(told) { write(record.line(of: epochCount(history)) + "\n") }
          told = history.epochs.count
        } else {
          write(screen(history, status, columns: 80).map { $0 + "\n" }.joined())
        }
      }
      if isOver {
        if !once || status == .dead || status == .stopped { write(sentence(history, status) + "\n") }
        throw ExitCode(status == .dead ? 1 : status == .stopped ? 75 : 0)
      }
      usleep(UInt32(interval * 1e6))
      try history.update()
    }
  }

  private func write(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  private func epochCount(_ history: RunHistory) -> Int {
    guard let launch = history.launch else { return history.recipe.epochs }
    return (launch.totalSteps + launch.stepsPerEpoch - 1) / max(launch.stepsPerEpoch, 1)
  }

  // MARK: - The screen

  private func screen(_ history: RunHistory, _ status: RunHistory.Status, columns: Int) -> [String] {
    let word =
      switch status {
      case .running: "running"
      case .finished: "finished"
      case .stopped: "stopped"
      case .dead: "no process"
      }
    let ranks = history.events.last?.ranks ?? 0
    // Of a long path the end tells more.
    let path = folder.count > columns ? "…" + folder.suffix(columns - 1) : folder
    var lines = [
      path,
      "\(word), recipe \(history.recipe.name) on \(ranks) \(ranks == 1 ? "rank" : "ranks")\(hosts(history))",
    ]
    if let step = history.steps.last {
      let recent = history.steps.suffix(100)
      let seconds = recent.reduce(0) { $0 + $1.seconds.total }
      let progress = ProgressLine(
        epoch: step.epoch, epochs: epochCount(history), step: step.step,
        totalSteps: history.launch?.totalSteps ?? step.step,
        loss: recent.reduce(0) { $0 + $1.loss } / Double(recent.count),
        accuracy: recent.reduce(0) { $0 + $1.accuracy } / Double(recent.count),
        imagesPerSecond: Double(recent.count * history.recipe.globalBatch) / max(seconds, 1e-9),
        secondsLeft: status == .finished ? 0 : history.secondsLeft ?? 0)
      lines.append(progress.text(columns: columns))
    } else {
      lines.append("no step yet")
    }
    let width = min(columns, 100)
    let loss = LinePlot.smoothed(history.steps.map { (Double($0.step), $0.loss) }, limit: 2 * width)
    lines += ["loss over steps"] + TextPlot.lines(loss, columns: width, rows: 6, isLogarithmic: true)
    let validation = history.epochs.compactMap { record in
      record.validationAccuracy.map { (x: Double(record.epoch), y: $0) }
    }
    if validation.count > 1 {
      lines += ["validation accuracy over epochs, %"] + TextPlot.lines(validation, columns: width, rows: 4)
    }
    if let last = history.epochs.last { lines.append(last.line(of: epochCount(history))) }
    return lines.map { String($0.prefix(columns)) }
  }

  /// `: node1 ×4, node2 ×4`.
  private func hosts(_ history: RunHistory) -> String {
    let names = (history.launch?.bindings ?? []).map { String($0.prefix { $0 != ":" }) }
    let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
    guard !counts.isEmpty else { return "" }
    var shown = counts.keys.sorted().map { counts[$0] == 1 ? $0 : "\($0) ×\(counts[$0] ?? 0)" }
    if shown.count > 6 { shown = Array(shown.prefix(6)) + ["and \(counts.count - 6) more hosts"] }
    return ": " + shown.joined(separator: ", ")
  }

  private func sentence(_ history: RunHistory, _ status: RunHistory.Status) -> String {
    let step = Numbers.grouped(history.steps.last?.step ?? history.events.last?.step ?? 0)
    switch status {
    case .running: return "running"
    case .finished:
      guard let result = history.result else { return "finished" }
      return
        "finished: test accuracy \(Numbers.fixed(result.testAccuracy, 2)) % (\(result.testErrors) errors), training "
        + "\(Numbers.duration(result.trainingSeconds))"
    case .stopped:
      return "stopped on request after step \(step); go on with: lockstep train --run \(folder) --resume"
    case .dead:
      return
        "dead: no process writes \(folder) any more, and it has not come to its end; last step on record \(step); go on "
        + "with: lockstep train --run \(folder) --resume"
    }
  }
}
