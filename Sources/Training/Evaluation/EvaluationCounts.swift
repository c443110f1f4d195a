internal import Collectives

/// What ranks add up to score samples: integers, whose sum is the same in any order.
///
/// The loss travels in whole numbers too: in millionths, and losses of models that ran away in nats, so that no sum
/// overflows.
struct EvaluationCounts {
  private let classCount: Int
  /// The confusion matrix, then millionths of nats, nats, and losses that are no numbers.
  private var counts: [Int64]

  private var millionths: Int { classCount * classCount }
  private var nats: Int { millionths + 1 }
  private var infinities: Int { millionths + 2 }

  init(classCount: Int) {
    self.classCount = classCount
    counts = [Int64](repeating: 0, count: classCount * classCount + 3)
  }

  /// Adds a sample; `loss` in nats.
  mutating func add(truth: Int, prediction: Int, loss: Double) {
    counts[truth * classCount + prediction] += 1
    switch loss.magnitude {
    case ...1e6: counts[millionths] += Int64((loss * 1e6).rounded())
    case ...Double(Float.greatestFiniteMagnitude): counts[nats] += Int64(min(loss.magnitude, 1e9))
    default: counts[infinities] += 1
    }
  }

  /// The figures of all ranks' samples. Called by all ranks, and all get the same.
  func evaluation(over communicator: any Communicator) throws(CommunicatorError) -> Evaluation {
    var counts = counts
    try communicator.allReduceSum(&counts)
    let confusion = (0..<classCount).map { truth in
      (0..<classCount).map { Int(counts[truth * classCount + $0]) }
    }
    let total = counts[..<millionths].reduce(0, +)
    let sum =
      counts[infinities] > 0 ? Double.infinity : Double(counts[millionths]) / 1e6 + Double(counts[nats])
    return Evaluation(confusion: confusion, loss: sum / Double(max(total, 1)))
  }
}
