import Analysis
import Testing

@Suite struct AnalysisTests {
  /// One answer for each (truth, prediction, confidence).
  private func answers(_ all: [(Int, Int, Double)]) -> [Answer] {
    all.enumerated().map {
      Answer(
        index: $0, truth: $1.0, prediction: $1.1, confidence: $1.2, truthProbability: $1.0 == $1.1 ? $1.2 : 0)
    }
  }

  @Test func answersAreTheLargestLogitAndItsProbability() {
    let predictions = Predictions(
      labels: [1, 0], logits: [0, 2, 0, 1, 1, -40], classCount: 3)
    let answers = predictions.answers()
    #expect(answers.map(\.prediction) == [1, 0])
    // e² / (e² + 2)
    #expect(abs(answers[0].confidence - 0.78699) < 1e-5)
    #expect(abs(answers[1].confidence - 0.5) < 1e-12 && answers[1].isRight)
    // At twice the temperature: e / (e + 2).
    #expect(abs(predictions.answers(temperature: 2)[0].confidence - 0.57612) < 1e-5)
  }

  @Test func precisionAndRecallByHand() {
    let confusion = Confusion(
      answers([(0, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (2, 1, 1), (2, 1, 1)]), classCount: 3)
    #expect(confusion.counts == [[2, 1, 0], [0, 1, 0], [0, 2, 0]])
    #expect(confusion.recall(0) == 2.0 / 3 && confusion.precision(0) == 1)
    #expect(confusion.recall(1) == 1 && confusion.precision(1) == 0.25)
    #expect(confusion.recall(2) == 0 && confusion.precision(2) == nil)
    #expect(confusion.mistakes.map { [$0.truth, $0.prediction, $0.count] } == [[2, 1, 2], [0, 1, 1]])
  }

  /// The interval of scipy.stats.binomtest(81, 263).proportion_ci(method="wilson").
  @Test func wilsonsInterval() {
    let interval = wilsonInterval(successes: 81, count: 263)
    #expect(abs(interval.lowerBound - 0.2553) < 5e-5 && abs(interval.upperBound - 0.3662) < 5e-5)
    #expect(wilsonInterval(successes: 10, count: 10).upperBound > 0.999999)
    #expect(wilsonInterval(successes: 0, count: 0) == 0...1)
  }

  /// A model that is right in three of four cases and says 98 %: the temperature that makes it say 75 %.
  @Test func temperatureMakesConfidenceWhatItShouldBe() {
    let logits: [Float] = [4, 0]
    let predictions = Predictions(
      labels: [0, 0, 0, 1], logits: logits + logits + logits + logits, classCount: 2)
    let temperature = Calibration.temperature(fitting: predictions)
    #expect(abs(predictions.answers(temperature: temperature)[0].confidence - 0.75) < 1e-3)
    #expect(
      Calibration.crossEntropy(predictions, temperature) < Calibration.crossEntropy(predictions, 1))
  }

  @Test func binsHoldAnswersOfLikeConfidence() {
    let bins = Calibration.bins(
      answers([(0, 0, 0.95), (0, 1, 0.99), (1, 1, 1), (0, 0, 0.55)]), count: 10)
    #expect(bins.map(\.count) == [1, 3])
    #expect(bins[1].lower == 0.9 && abs(bins[1].meanConfidence - 0.98) < 1e-12)
    #expect(abs(bins[1].accuracy - 2.0 / 3) < 1e-12)
    #expect(abs(Calibration.expectedError(bins) - (0.45 + 3 * (0.98 - 2.0 / 3)) / 4) < 1e-12)
  }
}

@Suite struct PostalCaseTests {
  private let office = PostalCase(digits: 5, letters: 100_000_000, manualCost: 0.10, misrouteCost: 1)

  /// The known answer: at 99.03 %, 95.24 % of codes, and 475,682 a year.
  @Test func knownAnswer() {
    #expect(abs(100 * office.codeAccuracy(0.9903) - 95.24) < 0.005)
    #expect(office.yearlyCost(ofCodesReadWrongAt: 0.9903, each: 0.10).rounded() == 475_682)
  }

  /// Four digits, two of them on a letter: at 0.6 one wrong and one right answer go to a person.
  private let four = [(0, 0, 0.99), (1, 1, 0.9), (2, 2, 0.5), (3, 4, 0.4)].enumerated().map {
    Answer(index: $0, truth: $1.0, prediction: $1.1, confidence: $1.2, truthProbability: 0)
  }

  @Test func whatHappensAtAThreshold() {
    let office = PostalCase(digits: 2, letters: 1000, manualCost: 1, misrouteCost: 10)
    let all = office.point(four, threshold: 0)
    #expect(all.manualShare == 0 && all.misroutedShare == 1 - 0.75 * 0.75)
    #expect(all.cost == 4375)
    let some = office.point(four, threshold: 0.6)
    #expect(some.digitsAccepted == 0.5 && some.digitAccuracy == 1)
    #expect(some.manualShare == 0.75 && some.misroutedShare == 0 && some.cost == 750)
    #expect(some.acceptedCodeAccuracy == 1)
  }

  @Test func theCheapestThresholdIsCheapestOfAll() {
    let office = PostalCase(digits: 2, letters: 1000, manualCost: 1, misrouteCost: 10)
    let best = office.cheapest(four)
    // Rejecting the wrong one alone: 9/16 are read by the machine, all right.
    #expect(best.threshold == 0.5 && best.cost == 1000 * 7.0 / 16)
    let curve = office.curve(four)
    #expect(curve.map(\.threshold) == [0, 0.5, 0.9, 0.99, 1.01])
    for point in curve { #expect(point == office.point(four, threshold: point.threshold)) }
    #expect(curve.last?.manualShare == 1 && curve.last?.cost == 1000)
    // Where a person costs as much as a letter sent wrong, nothing is rejected.
    #expect(PostalCase(digits: 2, letters: 1, manualCost: 1, misrouteCost: 1).cheapest(four).threshold == 0)
  }
}

@Suite struct PostalFiguresTests {
  private func predictions(_ logits: [(Float, Float)], _ labels: [UInt16]) -> Predictions {
    Predictions(labels: labels, logits: logits.flatMap { [$0.0, $0.1] }, classCount: 2)
  }

  /// The validation split alone chooses temperature and threshold; the figures are the test set's.
  @Test func theValidationSplitChooses() throws {
    let office = PostalCase(digits: 1, letters: 1000, manualCost: 1, misrouteCost: 100)
    let test = predictions([(3, 0), (3, 0), (1, 0), (0.5, 0)], [0, 0, 1, 0])
    // Here all that say 1 or less are wrong: rejecting them is cheapest.
    let validation = predictions([(3, 0), (3, 0), (3, 0), (1, 0)], [0, 0, 0, 1])
    let reject = try #require(PostalFigures(test: test, validation: validation, office: office).reject)
    #expect(reject.chosen.manualShare == 0.5 && reject.chosen.misroutedShare == 0)
    #expect(reject.chosen.cost == 500)
    // A validation split without errors rejects nothing, whatever the test set would like.
    let sure = predictions([(3, 0), (0.2, 0)], [0, 0])
    let lenient = try #require(PostalFigures(test: test, validation: sure, office: office).reject)
    #expect(lenient.chosen.manualShare == 0 && lenient.chosen.misroutedShare == 0.25)
  }

  @Test func withoutAValidationSplitNothingIsChosen() {
    let office = PostalCase(digits: 5, letters: 100, manualCost: 1, misrouteCost: 2)
    let figures = PostalFigures(
      test: predictions([(1, 0), (1, 0)], [0, 1]), validation: nil, office: office)
    #expect(figures.reject == nil && figures.digitsRight == 1 && figures.codeAccuracy == 1.0 / 32)
    #expect(figures.mistakes.map(\.lettersPerYear) == [100 * 31.0 / 32])
    #expect(figures.costIfMisrouted == 2 * figures.costIfNoticed)
  }
}
