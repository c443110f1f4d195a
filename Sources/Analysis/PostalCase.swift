internal import Foundation

/// What a sorting office makes of a model that reads codes of several digits on letters, one after the other.
///
/// Digits are taken to be as frequent and as hard as in the samples, and independent of one another. A letter whose
/// least certain digit is below a threshold goes to a person; any other letter with a wrong digit is sent wrong.
package struct PostalCase: Hashable, Sendable, Codable {
  /// Digits of a code.
  package var digits: Int
  /// Letters in a year.
  package var letters: Double
  /// What a person's reading costs, for each letter.
  package var manualCost: Double
  /// What a letter costs that is sent wrong.
  package var misrouteCost: Double

  package init(digits: Int, letters: Double, manualCost: Double, misrouteCost: Double) {
    self.digits = digits
    self.letters = letters
    self.manualCost = manualCost
    self.misrouteCost = misrouteCost
  }

  /// The probability that a whole code is read right, where a digit is with probability `accuracy`.
  package func codeAccuracy(_ accuracy: Double) -> Double { pow(accuracy, Double(digits)) }

  /// What a year costs if every code that is not read right costs `each`.
  package func yearlyCost(ofCodesReadWrongAt accuracy: Double, each: Double) -> Double {
    letters * (1 - codeAccuracy(accuracy)) * each
  }

  /// What happens at one threshold.
  package struct Point: Hashable, Sendable, Codable {
    /// Digits of lower confidence send their letter to a person.
    package var threshold: Double
    /// The share of digits that are certain enough…
    package var digitsAccepted: Double
    /// …and of those, how many are right.
    package var digitAccuracy: Double
    /// The share of letters that a person reads.
    package var manualShare: Double
    /// The share of letters that are sent wrong.
    package var misroutedShare: Double
    /// The cost of a year.
    package var cost: Double
    /// The probability that a code is right of those that no person reads.
    package var acceptedCodeAccuracy: Double {
      manualShare < 1 ? 1 - misroutedShare / (1 - manualShare) : 1
    }
  }

  /// What happens with `answers` at a threshold.
  package func point(_ answers: [Answer], threshold: Double) -> Point {
    let accepted = answers.count { $0.confidence >= threshold }
    let right = answers.count { $0.confidence >= threshold && $0.isRight }
    return point(threshold, accepted: accepted, right: right, of: answers.count)
  }

  private func point(_ threshold: Double, accepted: Int, right: Int, of count: Int) -> Point {
    let certain = Double(accepted) / Double(max(count, 1))
    let machine = pow(certain, Double(digits))
    let good = pow(Double(right) / Double(max(count, 1)), Double(digits))
    return Point(
      threshold: threshold, digitsAccepted: certain,
      digitAccuracy: accepted > 0 ? Double(right) / Double(accepted) : 1, manualShare: 1 - machine,
      misroutedShare: machine - good,
      cost: letters * ((1 - machine) * manualCost + (machine - good) * misrouteCost))
  }

  /// What happens at every threshold that makes a difference, the lowest first: 0, then each confidence that occurs,
  /// then one above them all.
  package func curve(_ answers: [Answer]) -> [Point] {
    let sorted = answers.sorted { $0.confidence < $1.confidence }
    var (accepted, right) = (sorted.count, sorted.count { $0.isRight })
    var points = [point(0, accepted: accepted, right: right, of: sorted.count)]
    var index = 0
    while index < sorted.count {
      let confidence = sorted[index].confidence
      // All up to here are rejected by the next higher threshold.
      while index < sorted.count, sorted[index].confidence == confidence {
        accepted -= 1
        if sorted[index].isRight { right -= 1 }
        index += 1
      }
      let next = index < sorted.count ? sorted[index].confidence : 1.01
      points.append(point(next, accepted: accepted, right: right, of: sorted.count))
    }
    return points
  }

  /// The cheapest threshold for `answers`; of several, the lowest.
  package func cheapest(_ answers: [Answer]) -> Point {
    curve(answers).min { $0.cost < $1.cost } ?? point([], threshold: 0)
  }
}
