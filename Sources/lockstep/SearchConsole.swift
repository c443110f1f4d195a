import Files
import Foundation
import Tuning

/// Tells a person how a search goes: the table as it grows on a terminal, a line per trial on a pipe.
final class SearchConsole: SearchRun.Observer {
  private let isQuiet: Bool
  private let terminal: Terminal?
  private var drawn = 0
  private var lastDrawing = 0.0

  init(isQuiet: Bool, terminal: Terminal?) {
    self.isQuiet = isQuiet
    self.terminal = terminal
  }

  func searchDidChange(_ screen: SearchScreen, record: TrialRecord?) {
    guard !isQuiet else { return }
    if let terminal {
      // An end is followed by a beginning, which shows both; many small trials are not drawn one by one.
      let now = MonotonicClock.now()
      guard record == nil, now - lastDrawing > 0.05 else { return }
      lastDrawing = now
      draw(screen.lines(columns: terminal.columns))
    } else if let record {
      Console.write(SearchScreen.line(record) + "\n")
    }
  }

  func notice(_ sentence: String) {
    draw([])
    Console.notice(sentence)
  }

  /// The end of a search, whichever it is.
  func show(_ screen: SearchScreen) {
    draw([])
    let lines = isQuiet ? [] : screen.lines(columns: terminal?.columns ?? 200)
    Console.write((lines + [screen.outcome]).map { $0 + "\n" }.joined())
  }

  /// Writes lines in place of the last ones.
  private func draw(_ lines: [String]) {
    let up = drawn > 0 ? "\u{1B}[\(drawn)A\r\u{1B}[J" : ""
    drawn = lines.count
    Console.write(up + lines.map { $0 + "\n" }.joined())
  }
}
