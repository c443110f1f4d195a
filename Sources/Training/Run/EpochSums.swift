internal import Runs

/// What an epoch's steps add up to.
struct EpochSums {
  var loss = 0.0
  var correct = 0
  var samples = 0
  var times = PhaseTimes()
  private var seconds = 0.0

  mutating func add(_ outcome: StepOutcome, _ betweenSteps: PhaseTimes) {
    loss += outcome.loss * Double(outcome.samples)
    correct += outcome.correct
    samples += outcome.samples
    times += outcome.times
    times += betweenSteps
    seconds += outcome.times.total + betweenSteps.data
  }

  var imagesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
}
