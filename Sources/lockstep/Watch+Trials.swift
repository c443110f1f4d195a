import ArgumentParser
import Files
import Foundation
import Tuning

extension Watch {
  /// What somebody sees who looks at a search or a study.
  private struct Look {
    var lines: (_ columns: Int) -> [String]
    /// A line for each trial that is done.
    var trials: [String]
    var status: SearchScreen.Status
    var outcome: String

    init(_ folder: TrialFolder) throws {
      switch folder.kind {
      case .search:
        let screen = try SearchScreen(folder: folder)
        lines = { screen.lines(columns: $0) }
        trials = screen.journal.records.map(SearchScreen.line)
        (status, outcome) = (screen.status, screen.outcome)
      case .study:
        let screen = try StudyScreen(folder: folder)
        lines = { screen.lines(columns: $0) }
        (trials, status, outcome) = (screen.runs, screen.status, screen.outcome)
      }
    }
  }

  /// Follows a search or a study to its end.
  func follow(_ folder: TrialFolder) throws {
    let terminal = once ? nil : Terminal.current
    var (drawn, told) = (0, 0)
    var lastSeen = MonotonicClock.now()
    while true {
      let look = try Look(folder)
      if look.status != .dead { lastSeen = MonotonicClock.now() }
      let isOver =
        once || ![.running, .dead].contains(look.status)
        || look.status == .dead && MonotonicClock.now() - lastSeen >= patience
      if let terminal {
        let lines = look.lines(terminal.columns)
        write(lines, over: drawn)
        drawn = lines.count
      } else if once {
        write(look.lines(160))
      } else {
        write(Array(look.trials.dropFirst(told)))
        told = look.trials.count
      }
      if isOver {
        if look.status != .running { write([look.outcome]) }
        throw ExitCode(Self.exitCode(of: look.status))
      }
      usleep(UInt32(interval * 1e6))
    }
  }

  private static func exitCode(of status: SearchScreen.Status) -> Int32 {
    switch status {
    case .running, .finished, .outOfBudget: 0
    case .stopped: 75
    case .dead: 1
    }
  }
}
