internal import Foundation

/// The figures of the postal business case.
package struct PostalFigures: Codable, Sendable {
  /// The digits of which postal codes are, each a class.
  package static let classCount = 10

  package var office: PostalCase
  /// Digits that were read, and how many of them right; nil if only an accuracy is known.
  package var digitsRead: Int?
  package var digitsRight: Int?
  /// The share of digits read right, and of whole codes; with 95 % intervals if measured.
  package var digitAccuracy: Double
  package var codeAccuracy: Double
  package var codeAccuracyInterval: [Double]?
  /// What a year costs if a person reads each code that was read wrong, as if somebody noticed.
  package var costIfNoticed: Double
  /// What a year costs if each such letter is sent wrong.
  package var costIfMisrouted: Double
  /// What 0.1 % more digits read right save in a year, of the two costs above.
  package var worthOfATenthIfNoticed: Double
  package var worthOfATenthIfMisrouted: Double
  /// With the reject option; nil without a model that has a validation split.
  package var reject: Reject?
  /// The most frequent mistakes and the letters in a year that each sends wrong if nothing is rejected.
  package var mistakes: [Mistake] = []
  package var throughput: PostalThroughput?

  /// Letters whose least certain digit is below a threshold go to a person.
  package struct Reject: Codable, Sendable {
    /// What logits are divided by so that probabilities are calibrated, fitted on the validation split.
    package var temperature: Double
    /// Expected calibration error on the test set, before and after.
    package var calibrationErrorBefore: Double
    package var calibrationErrorAfter: Double
    /// The threshold that is cheapest on the validation split, and what it does on the test set.
    package var chosen: PostalCase.Point
    /// The test set at thresholds that reject so many digits, in per cent: 0, 0.1, 0.2, 0.5, 1, 2, 5 and 10.
    package var atRejectRates: [PostalCase.Point]
    /// The test set at all thresholds, thinned for plotting.
    package var curve: [PostalCase.Point]
  }

  package struct Mistake: Codable, Sendable {
    package var truth: Int
    package var prediction: Int
    package var count: Int
    package var lettersPerYear: Double
  }

  /// From a digit's accuracy alone.
  package init(accuracy: Double, office: PostalCase) {
    self.office = office
    digitAccuracy = accuracy
    codeAccuracy = office.codeAccuracy(accuracy)
    let better = min(accuracy + 0.001, 1)
    func costs(_ each: Double) -> (year: Double, tenth: Double) {
      let year = office.yearlyCost(ofCodesReadWrongAt: accuracy, each: each)
      return (year, year - office.yearlyCost(ofCodesReadWrongAt: better, each: each))
    }
    (costIfNoticed, worthOfATenthIfNoticed) = costs(office.manualCost)
    (costIfMisrouted, worthOfATenthIfMisrouted) = costs(office.misrouteCost)
  }

  /// From what a model made of the test set, and of the validation split of its run, if it had one.
  package init(test: Predictions, validation: Predictions?, office: PostalCase) {
    let plain = test.answers()
    let right = plain.count { $0.isRight }
    self.init(accuracy: Double(right) / Double(max(test.count, 1)), office: office)
    (digitsRead, digitsRight) = (test.count, right)
    let interval = wilsonInterval(successes: right, count: test.count)
    codeAccuracyInterval = [
      office.codeAccuracy(interval.lowerBound), office.codeAccuracy(interval.upperBound),
    ]
    // Of the letters sent wrong, as large a share as of the wrong digits.
    let misrouted = office.letters * (1 - codeAccuracy)
    mistakes = Confusion(plain, classCount: test.classCount).mistakes.prefix(5).map {
      Mistake(
        truth: $0.truth, prediction: $0.prediction, count: $0.count,
        lettersPerYear: misrouted * Double($0.count) / Double(max(test.count - right, 1)))
    }
    guard let validation, validation.count > 0 else { return }
    let temperature = Calibration.temperature(fitting: validation)
    let answers = test.answers(temperature: temperature)
    let threshold = office.cheapest(validation.answers(temperature: temperature)).threshold
    let curve = office.curve(answers)
    reject = Reject(
      temperature: temperature, calibrationErrorBefore: Calibration.expectedError(Calibration.bins(plain)),
      calibrationErrorAfter: Calibration.expectedError(Calibration.bins(answers)),
      chosen: office.point(answers, threshold: threshold),
      atRejectRates: [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1].map { rate in
        curve.last { 1 - $0.digitsAccepted <= rate + 1e-12 } ?? office.point(answers, threshold: 0)
      },
      curve: Self.thinned(curve))
  }

  /// Points whose shares of manual letters differ by something that a plot can show.
  private static func thinned(_ curve: [PostalCase.Point]) -> [PostalCase.Point] {
    var kept: [PostalCase.Point] = []
    for point in curve {
      if let last = kept.last, point.manualShare - last.manualShare < 0.002 { continue }
      kept.append(point)
    }
    return kept
  }

  /// The figures as JSON, keys sorted, with a line feed at the end.
  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

/// How many codes a machine reads.
package struct PostalThroughput: Codable, Sendable {
  /// Codes per second, on one core and on all.
  package var oneCore: Double
  package var allCores: Double
  package var cores: Int

  package init(oneCore: Double, allCores: Double, cores: Int) {
    self.oneCore = oneCore
    self.allCores = allCores
    self.cores = cores
  }

  /// Parcels per hour of a large logistics centre.
  package static let centrePerHour = 50_000.0
  /// Parcels on a peak day of a whole country.
  package static let peakPerDay = 11_000_000.0
}
