import ArgumentParser
import Files
import Foundation
import Jobs
import RunReports
import Runs
import Tuning

/// `lockstep watch`.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow a run, a search or a study: curves, tables, ranks, time left.",
    discussion: """
      Example:
        ssh node1 -t lockstep watch /shared/runs/first
      Ends with the run: with 0 if it has come to its end, 75 if it was stopped on request, 78 if it \
      diverged, 1 if it is dead. On a pipe it prints a line for each epoch, or for each trial. --once looks once.
      """)

  @Argument(help: ArgumentHelp("The folder of a run, a search or a study.", valueName: "run"))
  var folder: String

  @Option(help: ArgumentHelp("How often to look.", valueName: "seconds"))
  var interval = 0.5

  @Option(
    help: ArgumentHelp(
      "How long a run may have no process before it counts as dead; `lockstep launch` restarts within that.",
      valueName: "seconds"))
  var patience = Double(RestartPolicy.longestPause + 15)

  @Flag(help: "Look once and say how far the run is.")
  var once = false

  func validate() throws {
    try require("--interval", interval, in: 0.05...3600, "seconds")
    try require("--patience", patience, in: 0...Double.infinity, "seconds")
  }

  func run() throws {
    if let kind = TrialFolder.kind(of: folder) { return try follow(TrialFolder(path: folder, kind: kind)) }
    let run = RunFolder(path: folder)
    // A run that reads its data has nothing to show yet.
    while !once, run.isBeginning { usleep(UInt32(interval * 1e6)) }
    var history = try RunHistory(folder: run)
    let terminal = once ? nil : Terminal.current
    var (drawn, told) = (0, 0)
    var lastSeen = MonotonicClock.now()
    while true {
      let screen = RunScreen(history, history.status)
      let status = screen.status
      if status != .dead { lastSeen = MonotonicClock.now() }
      let isOver =
        once || status == .finished || status == .stopped || status == .diverged
        || status == .dead && MonotonicClock.now() - lastSeen >= patience
      if let terminal {
        let lines = screen.lines(columns: terminal.columns)
        write(lines, over: drawn)
        drawn = lines.count
      } else if once {
        write(screen.lines(columns: 80))
      } else {
        write(Array(screen.epochs.dropFirst(told)))
        told = history.epochs.count
      }
      if isOver {
        if !once || ![.running, .finished].contains(status) { write([screen.outcome]) }
        throw ExitCode(Self.exitCode(of: status))
      }
      usleep(UInt32(interval * 1e6))
      try history.update()
    }
  }

  private static func exitCode(of status: RunHistory.Status) -> Int32 {
    switch status {
    case .running, .finished: 0
    case .stopped: 75
    case .diverged: 78
    case .dead: 1
    }
  }

  /// Writes lines, in place of the last so many on the terminal.
  func write(_ lines: [String], over count: Int = 0) {
    let up = count > 0 ? "\u{1B}[\(count)A\r\u{1B}[J" : ""
    Console.write(up + lines.map { $0 + "\n" }.joined())
  }
}
