internal import Collectives
internal import Files
internal import Runs

/// Splits a rank's time into phases: adds each lap to `times`, and records it in a timeline where there is one.
struct PhaseClock {
  /// What the laps have added up to since the last `take`.
  private(set) var times = PhaseTimes()
  private let timeline: Timeline?
  private var last = MonotonicClock.now()

  init(_ timeline: Timeline?) {
    self.timeline = timeline
  }

  /// Begins the next lap now: what has passed since the last one is nobody's.
  mutating func restart() {
    last = MonotonicClock.now()
  }

  /// Ends a lap spent with `phase`.
  mutating func lap(_ phase: Timeline.Phase) {
    let now = MonotonicClock.now()
    timeline?.record(phase, from: last, to: now)
    times.add(now - last, to: phase)
    last = now
  }

  /// Ends a lap spent with `phase`, but for the times of waiting in it.
  mutating func lap(_ phase: Timeline.Phase, waiting waits: [WaitInterval]) {
    let now = MonotonicClock.now()
    var start = last
    for wait in waits {
      timeline?.record(phase, from: start, to: wait.start)
      timeline?.record(.wait, from: wait.start, to: wait.end)
      times.add(wait.start - start, to: phase)
      times.add(wait.end - wait.start, to: .wait)
      start = wait.end
    }
    timeline?.record(phase, from: start, to: now)
    times.add(now - start, to: phase)
    last = now
  }

  /// The times so far, which start again from zero.
  mutating func take() -> PhaseTimes {
    defer { times = PhaseTimes() }
    return times
  }
}

extension PhaseTimes {
  /// Evaluation is nobody's training time: it is in traces alone.
  fileprivate mutating func add(_ seconds: Double, to phase: Timeline.Phase) {
    switch phase {
    case .data: data += seconds
    case .forward: forward += seconds
    case .backward: backward += seconds
    case .reduction: reduction += seconds
    case .wait: wait += seconds
    case .update: update += seconds
    case .checkpoint: checkpoint += seconds
    case .validation, .test: break
    }
  }
}
