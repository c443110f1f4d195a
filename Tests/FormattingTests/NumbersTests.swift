import Formatting
import Testing

@Suite struct NumbersTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (1_199_882, "1,199,882"), (-12345, "-12,345"),
  ])
  func numbersAreGrouped(_ value: Int, _ text: String) {
    #expect(Numbers.grouped(value) == text)
  }

  @Test(
    arguments: [
      (1234.5, "1,235"), (-1234.4, "-1,234"), (-0.0, "0"), (4e19, "40,000,000,000,000,000,000"),
      (1e38, "1e+38"),
      (-9.223372036854775808e18, "-9,223,372,036,854,775,808"), (.nan, "–"), (-.infinity, "–"), (1e-45, "0"),
    ] as [(Double, String)])
  func numbersThatNeedNotBeWholeAreGrouped(_ value: Double, _ text: String) {
    #expect(Numbers.grouped(value) == text)
  }

  /// The labels of a plot of learning rates may be that small, and costs that large.
  @Test(arguments: [
    (1e-20, 20, "0.00000000000000000001"), (9.5e14, 4, "950000000000000.0000"),
    (1e18, 2, "1000000000000000000.00"),
    (0.5, -3, "1"), (2, 20, "2.00000000000000000000"),
  ])
  func noNumberIsTooLargeOrTooSmall(_ value: Double, _ places: Int, _ text: String) {
    #expect(Numbers.fixed(value, places) == text)
  }

  @Test func everyNumberHasAText() {
    let numbers = [
      0, -0.0, 1, -1, .leastNonzeroMagnitude, 1e-45, 1e-20, 9e14, 1e15, 9.3e18, 1e38,
      .greatestFiniteMagnitude, .infinity,
      .nan,
    ]
    for number in numbers.flatMap({ [$0, -$0] }) {
      for places in [-1, 0, 1, 15, 16, 19, 400, Int.max] { #expect(!Numbers.fixed(number, places).isEmpty) }
      #expect(!Numbers.grouped(number).isEmpty && !Numbers.duration(number).isEmpty)
    }
  }

  @Test(arguments: [
    (99.25, 2, "99.25"), (0.05, 1, "0.1"), (9.996, 2, "10.00"), (-0.001, 2, "0.00"), (-1.5, 0, "-2"),
    (3, 3, "3.000"), (Double.nan, 2, "–"), (.infinity, 1, "–"),
  ])
  func numbersAreRounded(_ value: Double, _ places: Int, _ text: String) {
    #expect(Numbers.fixed(value, places) == text)
  }

  @Test(arguments: [
    (0.418, "0.42 s"), (7.26, "7.3 s"), (59.97, "1 min 00 s"), (125, "2 min 05 s"), (4020, "1 h 07 min"),
    (Double.infinity, "–"),
  ])
  func durationsReadWell(_ seconds: Double, _ text: String) {
    #expect(Numbers.duration(seconds) == text)
  }
}
