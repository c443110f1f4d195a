import Analysis
import RunReports
import Testing

@Suite struct PostalTextTests {
  private let office = PostalCase(digits: 5, letters: 100_000_000, manualCost: 0.10, misrouteCost: 1)

  /// At 99.03 % of digits, 95.24 % of codes and 475,682 a year.
  @Test func theKnownAnswer() {
    #expect(
      PostalFigures(accuracy: 0.9903, office: office).text(currency: "EUR") == """
        digits read right     99.03 %
        codes of 5 right      95.24 %

        Of 100,000,000 letters a year, 4,756,818 are not read right. That costs
          475,682 EUR if all are noticed and read by a person, at 0.10 each; 0.1 % more digits right save 48,185 EUR
          4,756,818 EUR if all are sent wrong, at 1.00 each; 0.1 % more digits right save 481,853 EUR

        """)
  }

  /// Scores of two classes for each label.
  private func predictions(_ logits: [(Float, Float)], _ labels: [UInt16]) -> Predictions {
    Predictions(labels: labels, logits: logits.flatMap { [$0.0, $0.1] }, classCount: 2)
  }

  private let test: [(Float, Float)] = [(3, 0), (3, 0), (1, 0), (3, 0)]

  @Test func withoutAValidationSplitNoThresholdIsNamed() {
    var figures = PostalFigures(
      test: predictions(test, [0, 0, 1, 0]), validation: nil,
      office: PostalCase(digits: 1, letters: 1000, manualCost: 1, misrouteCost: 100))
    let text = figures.text(currency: "USD")
    #expect(text.hasPrefix("digits read right     75.00 %  (3 of 4)\ncodes of 1 right      75.00 %  (95 %: "))
    #expect(text.contains("\nMost of them: 1 as 0 (250)\n\nNo threshold for rejection: "))
    #expect(text.hasSuffix("(--validation).\n"))
    figures.throughput = PostalThroughput(oneCore: 50_000, allCores: 90_000.5, cores: 2)
    #expect(
      figures.text(currency: "USD").hasSuffix(
        """
        (--validation).
        Throughput: 50,000 codes/s on one core, 90,000 on 2; one core reads 3,600 times the 50,000 parcels an hour \
        of a large logistics centre, and 392 times 11 million on a peak day (digits that are cut out already)

        """))
  }

  @Test func theChosenThresholdAndItsSaving() {
    let figures = PostalFigures(
      test: predictions(test, [0, 0, 1, 0]),
      validation: predictions([(3, 0), (3, 0), (3, 0), (1, 0)], [0, 0, 0, 1]),
      office: PostalCase(digits: 1, letters: 1000, manualCost: 1, misrouteCost: 100))
    let text = figures.text(currency: "USD")
    // The one letter in four that is read wrong goes to a person.
    #expect(
      text.contains(
        "  250 letters are read by a person, 0 are sent wrong, 250 USD a year: 24,750 USD less than without\n\n"
          + "digits rejected  threshold  digits right  codes right  by a person  sent wrong  USD a year\n"))
    #expect(text.contains("\n\nCalibration: temperature "))
  }
}
