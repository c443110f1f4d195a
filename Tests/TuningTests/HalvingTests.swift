import Testing
import Tuning

/// Which trials go on.
@Suite struct HalvingTests {
  @Test func aThirdGoesOnWithThreeTimesTheBudget() {
    let halving = SuccessiveHalving(eta: 3, rungs: 4)
    #expect((0..<4).map { halving.count(ofRung: $0, trials: 27) } == [27, 9, 3, 1])
    #expect((0..<4).map { halving.count(ofRung: $0, trials: 10) } == [10, 3, 1, 1])
    #expect((0..<4).map { halving.divisor(ofRung: $0) } == [27, 9, 3, 1])
    #expect(
      [1, 2, 3, 8, 9, 27, 81, 1000].map { SuccessiveHalving.rungs(trials: $0, eta: 3) } == [
        1, 1, 2, 2, 3, 4, 4, 4,
      ])
  }

  /// Equal accuracies go by number, and what diverged goes nowhere, however few are left.
  @Test func tiesGoByNumber() {
    let halving = SuccessiveHalving(eta: 2, rungs: 2)
    let accuracies: [(trial: Int, accuracy: Double?)] = [
      (0, nil), (1, 98), (2, 99), (3, 98), (4, 98), (5, nil),
    ]
    #expect(halving.promoted(accuracies, count: 3) == [1, 2, 3])
    #expect(halving.promoted(accuracies.reversed(), count: 3) == [1, 2, 3])
    #expect(halving.promoted(accuracies, count: 6) == [1, 2, 3, 4])
  }

  @Test func budgetsAreSamplesOrTime() {
    #expect(SearchBudget("2000000") == .samples(2_000_000) && SearchBudget("2_000 samples") == .samples(2000))
    #expect(SearchBudget("90 minutes") == .minutes(90) && SearchBudget("1.5h") == .minutes(90))
    #expect(SearchBudget("90m") == .minutes(90))
    for text in [
      "", " ", "0", "-1", "1.5", "nan", "inf h", "1e3", "5 days", "m", "1 2 3", "99999999999999999999",
      "1h 5m",
    ] {
      #expect(SearchBudget(text) == nil, "\(text)")
    }
  }
}
