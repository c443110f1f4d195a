import Foundation
import Reports
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

  @Test func aWeakLaddersBatchGrowsFromTheFewestRanks() {
    let ladder = ScalingLadder(modes: [.strong, .weak], counts: [2, 4], globalBatch: 64, slots: 3)
    #expect(
      ladder.points.map { "\($0.mode) \($0.ranks) \($0.globalBatch)" } == [
        "strong 2 64", "strong 4 64", "weak 2 64", "weak 4 128",
      ])
    #expect(ladder.points.map(\.isOversubscribed) == [false, true, false, true])
  }

  @Test func thePlotMarksWhatIsNoMeasure() {
    let ladder = ScalingLadder(points: [
      point(.strong, 1, [10]), point(.strong, 2, [18, 19]), point(.strong, 4, [20], oversubscribed: true),
    ])
    let plot = ladder.plot(title: "a < b", subtitle: "twice")
    #expect(plot.series.map(\.name) == ["ideal", "strong"])
    #expect(plot.series[0].points.map { [$0.x, $0.y] } == [[1, 1], [4, 4]])
    #expect(plot.series[1].points.map { [$0.x, $0.y] } == [[1, 1], [2, 1.85], [4, 2]])
    #expect(plot.series[1].ranges == [2: 1.8...1.9])
    #expect(plot.series[1].hollow == [4] && plot.hollowMeaning != nil)
    let file = plot.drawing.file
    // Three points and two in the legend, one of these hollow.
    #expect(file.components(separatedBy: "<circle").count == 1 + 5)
    #expect(file.components(separatedBy: "class=\"paper s0\"").count == 1 + 2)
    #expect(ladder.plot(title: "", subtitle: "").series.count == 2)
  }
}
