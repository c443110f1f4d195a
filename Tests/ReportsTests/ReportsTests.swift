import Reports
import Testing

@Suite struct ReportsTests {
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

  @Test func tablesAlignTheirColumns() {
    var table = TextTable([("layer", .left), ("parameters", .right)])
    table.append(["conv 16x5", "416"])
    table.appendRule()
    table.append(["sum", "29,322"])
    #expect(
      table.text == """
        layer      parameters
        ─────────  ──────────
        conv 16x5         416
        ─────────  ──────────
        sum            29,322

        """)
  }

  @Test(arguments: [20, 60, 80, 90, 100, 200])
  func progressFitsTheTerminal(_ columns: Int) {
    let line = ProgressLine(
      epoch: 1, epochs: 2, step: 430, totalSteps: 1718, loss: 0.1234, accuracy: 96.2, imagesPerSecond: 28412,
      secondsLeft: 3.04
    ).text(columns: columns)
    #expect(line.count < columns)
    if columns >= 90 {
      #expect(line.contains("step 430/1718") && line.contains("28,412 images/s") && line.hasPrefix("▕"))
    }
  }

  @Test func drawingsShowEachPixelTwiceAndTheBestClass() {
    #expect(DigitDrawing.image([0, 255, 128, 0], rows: 2, columns: 2) == "  @@\n==\n")
    let bars = DigitDrawing.bars([0.25, 0.75], width: 4).split(separator: "\n")
    #expect(bars == ["0  25.00 % █", "1  75.00 % ███ ←"])
  }
}
