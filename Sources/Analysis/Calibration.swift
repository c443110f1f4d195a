internal import Foundation

/// Whether a model is right as often as it says.
package enum Calibration {
  /// The temperature that makes `predictions` most likely: logits divided by it give calibrated probabilities (Guo et
  /// al. 2017, "On calibration of modern neural networks", §4.2). To be fitted on samples that trained nothing.
  ///
  /// The mean cross-entropy is convex in 1 / temperature; golden-section search within 0.05 to 20.
  package static func temperature(fitting predictions: Predictions) -> Double {
    guard predictions.count > 0 else { return 1 }
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (log(0.05), log(20.0))
    var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
    var (lossA, lossB) = (crossEntropy(predictions, exp(a)), crossEntropy(predictions, exp(b)))
    while high - low > 1e-4 {
      if lossA < lossB {
        (high, b, lossB) = (b, a, lossA)
        a = high - ratio * (high - low)
        lossA = crossEntropy(predictions, exp(a))
      } else {
        (low, a, lossA) = (a, b, lossB)
        b = low + ratio * (high - low)
        lossB = crossEntropy(predictions, exp(b))
      }
    }
    return exp((low + high) / 2)
  }

  /// Mean cross-entropy at a temperature, in nats.
  package static func crossEntropy(_ predictions: Predictions, _ temperature: Double) -> Double {
    var sum = 0.0
    for index in 0..<predictions.count {
      let row = predictions.row(index)
      let largest = Double(row.max() ?? 0)
      let total = row.reduce(0) { $0 + exp((Double($1) - largest) / temperature) }
      sum +=
        log(total) - (Double(row[row.startIndex + Int(predictions.labels[index])]) - largest) / temperature
    }
    return sum / Double(max(predictions.count, 1))
  }

  /// Answers of similar confidence.
  package struct Bin: Hashable, Sendable {
    /// Confidences from here…
    package var lower: Double
    /// …to here.
    package var upper: Double
    package var count: Int
    package var meanConfidence: Double
    /// The share of right answers.
    package var accuracy: Double
  }

  /// The answers by confidence, in `count` bins of equal width; empty ones are left out.
  package static func bins(_ answers: [Answer], count: Int = 10) -> [Bin] {
    let groups = Dictionary(grouping: answers) { min(Int($0.confidence * Double(count)), count - 1) }
    return groups.keys.sorted().map { key in
      let group = groups[key] ?? []
      return Bin(
        lower: Double(key) / Double(count), upper: Double(key + 1) / Double(count), count: group.count,
        meanConfidence: group.reduce(0) { $0 + $1.confidence } / Double(group.count),
        accuracy: Double(group.count { $0.isRight }) / Double(group.count))
    }
  }

  /// How far confidence and accuracy lie apart, weighted by the bins' sizes (expected calibration error).
  package static func expectedError(_ bins: [Bin]) -> Double {
    let all = bins.reduce(0) { $0 + $1.count }
    return bins.reduce(0) { $0 + Double($1.count) * abs($1.meanConfidence - $1.accuracy) }
      / Double(max(all, 1))
  }
}
