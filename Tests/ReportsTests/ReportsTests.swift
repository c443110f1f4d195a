import Reports
import Testing

@Suite struct ReportsTests {
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
