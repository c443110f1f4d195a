import Foundation
import Scaling
import Testing

@Suite struct LadderTests {
  private func point(
    _ mode: ScalingPoint.Mode, _ ranks: Int, _ rates: [Double], oversubscribed: Bool = false,
    digests: [String] = ["a"]
  ) -> ScalingPoint {
    var point = ScalingPoint(mode: mode, ranks: ranks, globalBatch: 64, isOversubscribed: oversubscribed)
    point.runs = rates.enumerated().map { index, rate in
      ScalingPoint.Run(
        imagesPerSecond: rate, secondsToTarget: nil, compute: 0.9, reduction: 0.05, wait: 0.05, update: 0,
        imbalance: 0, processorSeconds: 1, digest: digests[index % digests.count])
    }
    return point
  }

  @Test func efficiencyIsOfTheMediansOverTheFewestRanks() throws {
    let ladder = ScalingLadder(points: [
      point(.strong, 8, [3000, 2800, 3200]), point(.strong, 2, [1000, 900, 1100]),
      point(.strong, 16, [9000], oversubscribed: true),
    ])
    let speedUp = try #require(ladder.speedUp(of: ladder.points[0]))
    #expect(speedUp.median == 6 && speedUp.least == 5.6 && speedUp.most == 6.4)
    #expect(ladder.efficiency(of: ladder.points[0])?.median == 0.75)
    // Ranks that take turns on a core say nothing of scaling, however quick.
    #expect(ladder.efficiency(of: ladder.points[2]) == nil)
    #expect(ladder.speedUp(of: ladder.points[2])?.median == 18)
  }

  @Test func strongRunsMustAgreeAndWeakOnesWithThemselves() {
    let sound = ScalingLadder(points: [
      point(.strong, 1, [1, 1]), point(.strong, 2, [1, 1]), point(.weak, 1, [1], digests: ["b"]),
      point(.weak, 2, [1, 1], digests: ["c"]),
    ])
    #expect(sound.disagreements == [])
    let drifting = ScalingLadder(points: [
      point(.strong, 1, [1, 1]), point(.strong, 2, [1, 1], digests: ["z"]),
      point(.weak, 2, [1, 1], digests: ["c", "d"]),
    ])
    #expect(drifting.disagreements.count == 2)
    #expect(drifting.disagreements[0].contains("1: a; 2: z"))
  }

  @Test func mediansOfEvenAndOddCounts() {
    #expect(Spread([3, 1, 2]).median == 2 && Spread([4, 1, 2, 3]).median == 2.5)
    #expect(Spread([3, 1, 2]).least == 1 && Spread([3, 1, 2]).most == 3)
  }

  @Test func theTableForOthersHasALineForEachRun() {
    let ladder = ScalingLadder(points: [point(.strong, 1, [10, 12]), point(.strong, 2, [20])])
    let lines = ladder.csv.split(separator: "\n")
    #expect(lines.count == 4)
    let columns = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }
    #expect(Set(columns).count == 1)
    #expect(lines[2].hasPrefix("strong,1,64,false,12.0,,"))
  }

  @Test func thePlotMarksWhatIsNoMeasure() {
    let plot = ScalingPlot(
      title: "a < b", subtitle: "",
      series: [
        .init(
          name: "strong",
          points: [(1, Spread([1]), false), (2, Spread([1.8, 1.9]), false), (4, Spread([2]), true)])
      ])
    #expect(plot.svg.contains("a &lt; b") && plot.svg.hasSuffix("</svg>\n"))
    #expect(plot.svg.components(separatedBy: "<circle").count == 4)
    #expect(plot.svg.components(separatedBy: "fill=\"white\"/>").count == 3)
  }
}
