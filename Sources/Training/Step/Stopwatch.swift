internal import Collectives
internal import Files

/// Splits time into laps.
struct Stopwatch {
  private var last = MonotonicClock.now()
  private let timeline: Timeline?

  /// A watch whose laps are recorded too, if there is a time line.
  init(_ timeline: Timeline?) {
    self.timeline = timeline
  }

  /// Seconds since the last lap, spent with `phase`.
  mutating func lap(_ phase: Timeline.Phase) -> Double {
    let now = MonotonicClock.now()
    defer { last = now }
    timeline?.record(phase, from: last, to: now)
    return now - last
  }

  /// Seconds since the last lap, spent with `phase` but for the times of waiting.
  mutating func lap(_ phase: Timeline.Phase, waiting waits: [WaitInterval]) -> Double {
    let now = MonotonicClock.now()
    defer { last = now }
    if let timeline {
      var start = last
      for wait in waits {
        timeline.record(phase, from: start, to: wait.start)
        timeline.record(.wait, from: wait.start, to: wait.end)
        start = wait.end
      }
      timeline.record(phase, from: start, to: now)
    }
    return now - last
  }
}
