import Formatting
import Testing

@Suite struct NumbersTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (1_199_882, "1,199,882"), (-12345, "-12,345"),
  ])
  func numbersAreGrouped(_ value: Int, _ text: String) {
    #expect(Numbers.grouped(value) == text)
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
