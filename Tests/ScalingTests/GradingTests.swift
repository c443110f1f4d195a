import Scaling
import Testing

@Suite struct GradingTests {
  /// Five ranks' floats, whose sums in different orders have different bits.
  private let inputs: [[Float]] = (0..<5).map { (rank: Int) -> [Float] in
    let scale = Float(1 << (rank * 3 % 11)) / 1009
    return (0..<40).map { (element: Int) -> Float in
      let number = (rank * 7919 + element * 104_729) % 1009
      return Float(number) * scale
    }
  }

  private func sums(_ sum: (_ values: [Float], _ element: Int) -> Float) -> [Float] {
    (0..<40).map { element in sum(inputs.map { $0[element] }, element) }
  }

  @Test func ordersAreToldByTheirBits() {
    #expect(
      SumOrder(of: sums { values, _ in values.dropFirst().reduce(values[0], +) }, from: inputs) == .ranks)
    #expect(
      SumOrder(of: sums { v, _ in ((v[0] + v[1]) + (v[2] + v[3])) + v[4] }, from: inputs) == .tree)
    // Each part begins with another rank.
    let ring = sums { v, element in
      (1..<5).reduce(v[element / 8]) { $0 + v[(element / 8 + $1) % 5] }
    }
    #expect(SumOrder(of: ring, from: inputs) == .ring)
    #expect(SumOrder(of: sums { v, _ in (v[4] + (v[1] + v[3])) + (v[0] + v[2]) }, from: inputs) == .other)
    #expect(SumOrder(of: [3], from: [[1], [2]]) == .any)
  }

  /// On 4 ranks: 3 messages to the root and 3 back; 2 levels up and down; 6 steps of a quarter.
  @Test func textbooksReductionsTakeWhatTheirMessagesTake() {
    let link = CostModel.Link(latencySeconds: 1, bytesPerSecond: 10, messageSeconds: 0.5)
    #expect(link.seconds(.naive, ranks: 4, bytes: 40) == 2 * (1 + 3 * 4.5))
    #expect(link.seconds(.tree, ranks: 4, bytes: 40) == 4 * 5.5)
    #expect(link.seconds(.tree, ranks: 5, bytes: 40) == 6 * 5.5)
    #expect(link.seconds(.ring, ranks: 4, bytes: 40) == 6 * 2.5)
    #expect(link.seconds(.ring, ranks: 1, bytes: 40) == 0)
  }

  @Test func whoHangsIsNamed() {
    let inside = PluginRank(lines: 3, isInside: true, count: 3)
    let outside = PluginRank(lines: 4, isInside: false, count: 3)
    #expect(
      PluginGrading.hang([inside, outside, inside], seconds: 10)
        == "rank 0 and 2 hang: no end within 10 s in a sum of 3 floats, while rank 1 returned")
    #expect(
      PluginGrading.hang([inside, inside], seconds: 0.5)
        == "all ranks hang: no end within 0.5 s in a sum of 3 floats")
    #expect(
      PluginGrading.hang([PluginRank(), PluginRank()], seconds: 60)
        == "the ranks did not get to the plugin within 60 s")
  }

  @Test func aJobsEndIsExplainedByItsRanksWords() {
    let inside = PluginRank(lines: 1, isInside: true, count: 1)
    #expect(
      PluginGrading.end([inside], code: 70, log: "noise\nlockstep: rank 1: it failed\nlockstep: more\n")
        == "rank 1: it failed, in a sum of 1 float")
    #expect(
      PluginGrading.end([PluginRank()], code: 9, log: "some words\nlast words\n")
        == "the job ended with code 9: last words")
  }

  @Test(arguments: [PluginEvent.entering(count: 12), .returned]) func eventsAreReadAsTheyAreWritten(
    _ event: PluginEvent
  ) {
    #expect(PluginEvent(line: event.line) == event)
    #expect(PluginEvent(line: "entering many") == nil && PluginEvent(line: "") == nil)
  }
}
