import Reports
import Testing

@Suite struct PlotTests {
  /// What a path with `class` draws, as pairs of numbers.
  private func points(_ svg: String, _ name: String) -> [(x: Double, y: Double)] {
    guard let line = svg.split(separator: "\n").first(where: { $0.contains("class=\"line \(name)") }),
      let data = line.split(separator: "\"").dropFirst().first
    else { return [] }
    return data.split(whereSeparator: { "ML".contains($0) }).compactMap { pair in
      let numbers = pair.split(separator: " ").compactMap { Double($0) }
      return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }
  }

  @Test func pointsStandWhereTheyBelong() {
    var plot = LinePlot(
      title: "a < b & c", xLabel: "x", yLabel: "y",
      series: [
        LinePlot.Series("line", [(0, 0), (5, 50), (10, 100)]), LinePlot.Series("other", [(0, 100)], color: 1),
      ])
    (plot.xRange, plot.yRange) = (0...10, 0...100)
    let drawn = points(plot.drawing.element, "s0")
    #expect(drawn.count == 3)
    // The middle in the middle; up is up.
    #expect(abs(drawn[1].x - (drawn[0].x + drawn[2].x) / 2) < 0.11)
    #expect(abs(drawn[1].y - (drawn[0].y + drawn[2].y) / 2) < 0.11)
    #expect(drawn[2].y < drawn[0].y)
    #expect(plot.drawing.element.contains("a &lt; b &amp; c"))
    #expect(plot.drawing.element.contains(">other</text>"))
  }

  @Test func equalRatiosAreEqualDistancesOnALogarithmicScale() {
    var plot = LinePlot(
      title: "", xLabel: "", yLabel: "", series: [LinePlot.Series("", [(0, 0.1), (1, 1), (2, 10), (3, 0)])])
    plot.yScale = .logarithmic
    let drawn = points(plot.drawing.element, "s0").map(\.y)
    #expect(abs((drawn[0] - drawn[1]) - (drawn[1] - drawn[2])) < 0.11 && drawn[0] > drawn[1])
    for tick in ["0.1", "1", "10"] { #expect(plot.drawing.element.contains(">\(tick)</text>")) }
  }

  /// Both scales in powers of two: the ideal speed-up is a straight line, with a tick at each doubling.
  @Test func doublingsAreEqualDistancesOnBothScales() {
    var series = LinePlot.Series("", [(1, 0.5), (2, 1), (8, 4)], style: .lineAndPoints)
    series.ranges = [2: 0.9...2]
    series.hollow = [8]
    var plot = LinePlot(title: "", xLabel: "", yLabel: "", series: [series])
    (plot.xScale, plot.yScale) = (.powersOfTwo, .powersOfTwo)
    let picture = plot.drawing.element
    let drawn = points(picture, "s0")
    #expect(abs((drawn[2].x - drawn[0].x) - 3 * (drawn[1].x - drawn[0].x)) < 0.4)
    #expect(abs((drawn[0].y - drawn[2].y) - 3 * (drawn[0].y - drawn[1].y)) < 0.4)
    for tick in ["0.5", "1", "2", "4", "8"] { #expect(picture.contains(">\(tick)</text>")) }
    #expect(picture.ranges(of: "<circle").count == 3)
    #expect(picture.ranges(of: "class=\"paper s0\"").count == 1)
    // The range of the second point, upwards from its lower end.
    #expect(picture.contains("M\(drawn[1].x) "))
  }

  /// Records are text that anybody can change: whatever numbers they have, there is a picture.
  @Test(
    arguments: [
      [(0.0, -1e308), (1, 1e308)], [(1e308, 1), (-1e308, 2)], [(1, 1e17), (2, 1e17)], [(1, 1e300)],
      [(1, 5e-324), (2, 1e-323)], [(1, 1e100), (2, -1e100)], [(1, 1e15), (2, 1e15 + 0.125)],
    ] as [[(x: Double, y: Double)]])
  func everyNumberHasAPicture(_ points: [(x: Double, y: Double)]) {
    for scale in [LinePlot.Scale.linear, .logarithmic, .powersOfTwo] {
      var plot = LinePlot(title: "", xLabel: "", yLabel: "", series: [LinePlot.Series("", points)])
      plot.yScale = scale
      plot.marks = points.map { ($0.y, "m") } + [(.nan, "n")]
      plot.xRange = 0...1e308
      #expect(plot.drawing.element.utf8.count < 20_000)
    }
    for isLogarithmic in [false, true] {
      #expect(TextPlot.lines(points, columns: 40, rows: 3, isLogarithmic: isLogarithmic).count == 3)
    }
  }

  /// Each point lies on the curve, also where a later one lies to the left.
  @Test func pointsNeedNotBeInOrder() {
    let there = TextPlot.lines([(0, 1), (10, 1), (5, 1)], columns: 29, rows: 2)
    #expect(there == TextPlot.lines([(0, 1), (5, 1), (10, 1)], columns: 29, rows: 2))
  }

  @Test(arguments: [[], [(1.0, 5.0)], [(1.0, 5.0), (1.0, 5.0)], [(0.0, Double.nan)]])
  func fewPointsAreNoTrouble(_ few: [(Double, Double)]) {
    let plot = LinePlot(
      title: "few", xLabel: "x", yLabel: "y", series: [LinePlot.Series("s", few.map { (x: $0.0, y: $0.1) })])
    #expect(plot.drawing.file.hasSuffix("</svg>\n") && !plot.drawing.file.contains("nan"))
  }

  @Test func smoothingKeepsTheMeanAndTheEnds() {
    let points = (0..<1000).map { (x: Double($0), y: $0 % 2 == 0 ? 1.0 : 3.0) }
    let smooth = LinePlot.smoothed(points, limit: 100)
    #expect(smooth.count == 100 && smooth.allSatisfy { $0.y == 2 })
    #expect(smooth[0].x == 4.5 && smooth[99].x == 994.5)
    #expect(LinePlot.smoothed(Array(points.prefix(5)), limit: 100).count == 5)
  }

  @Test func aGreyPictureIsAPNGFileOfItsSize() {
    let file = PNGImage.grey([0, 128, 255, 1, 2, 3], width: 3, height: 2)
    #expect(Array(file.prefix(8)) == [137, 80, 78, 71, 13, 10, 26, 10])
    // IHDR: width, height, 8 bits, grey.
    #expect(Array(file[16..<26]) == [0, 0, 0, 3, 0, 0, 0, 2, 8, 0])
  }

  @Test func aPageEscapesWhatItIsGiven() throws {
    var page = ReportPage(title: "<script>", subtitle: "a & b")
    var section = ReportPage.Section("one", link: "to one")
    section.tables = [ReportPage.Table(["h"], [["<b>"]], caption: "cap")]
    section.code = "x < y"
    page.sections = [section, ReportPage.Section("two")]
    let html = try page.html()
    #expect(!html.contains("<script>") && html.contains("&lt;script&gt;") && html.contains("a &amp; b"))
    #expect(html.contains("<td>&lt;b&gt;</td>") && html.contains("<pre>x &lt; y</pre>"))
    #expect(html.contains("<a href=\"#s1\">to one</a>") && !html.contains("href=\"#s2\""))
    #expect(html.ranges(of: "<pre>").count == 1)
  }
}

@Suite struct TextPlotTests {
  @Test func aRisingLineGoesFromBottomLeftToTopRight() {
    let lines = TextPlot.lines([(0, 0), (1, 10)], columns: 13, rows: 2)
    // Labels of eight characters, then four characters of two by four dots.
    #expect(lines[0].hasPrefix("  10.000 ") && lines[1].hasPrefix("   0.000 "))
    #expect(lines[0].dropFirst(9).hasPrefix("  ") && lines[0].count == 13)
    #expect(lines[1].dropFirst(9).first != " " && lines[1].count == 11)
  }

  @Test func nothingIsDrawnOfNothing() {
    #expect(TextPlot.lines([], columns: 20, rows: 2).allSatisfy { $0.allSatisfy { $0 == " " } })
    #expect(TextPlot.lines([(1, .nan), (2, 0)], columns: 20, rows: 1, isLogarithmic: true).count == 1)
  }
}
