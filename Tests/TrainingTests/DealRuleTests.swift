import Collectives
import Testing
import Training

/// How shares follow speeds.
@Suite struct DealRuleTests {
  private func work(_ leavesPerSecond: [Double]) -> [LeafWork] {
    leavesPerSecond.map { speed in
      var work = LeafWork()
      (work.leaves, work.seconds) = (Int(speed * 10), 10)
      return work
    }
  }

  private func counts(_ division: LeafDivision, _ leaves: Int = 70) -> [Int] {
    division.leavesOfNodes(leaves).map(\.count)
  }

  @Test func aSlowNodeGetsLess() {
    var rule = DealRule(nodes: [[0], [1], [2], [3]])
    #expect(counts(rule.division(after: work([100, 100, 100, 50]))) == [20, 20, 20, 10])
  }

  /// A node's speed is that of all its ranks.
  @Test func ranksOfANodeAddUp() {
    var rule = DealRule(nodes: [[0, 1], [2]])
    #expect(counts(rule.division(after: work([100, 100, 150])), 70) == [40, 30])
  }

  /// One slow second moves shares by half of the way, and they come back.
  @Test func oneSlowMomentDoesNotSwingTheShares() {
    var rule = DealRule(nodes: [[0], [1]])
    #expect(counts(rule.division(after: work([100, 100]))) == [35, 35])
    let shaken = counts(rule.division(after: work([100, 50])))
    #expect(shaken == [42, 28])
    var last: [Int] = []
    for _ in 0..<8 { last = counts(rule.division(after: work([100, 100]))) }
    #expect(last == [35, 35])
  }

  /// A node that hardly answers keeps a little, and one that is far ahead gets no more than there is memory for.
  @Test func sharesHaveLimits() {
    var slow = DealRule(nodes: [[0], [1], [2], [3]])
    #expect(counts(slow.division(after: work([1000, 1000, 1000, 1])), 320).last ?? 0 >= 9)
    var fast = DealRule(nodes: [[0], [1], [2], [3]])
    #expect(counts(fast.division(after: work([9000, 1, 1, 1])), 320)[0] <= 161)
    var two = DealRule(nodes: [[0], [1], [2], [3], [4], [5]])
    let shares = counts(two.division(after: work([9000, 8000, 2000, 1, 1, 1])), 600)
    #expect(shares[0] <= 201 && shares[1] <= 201 && shares[2] > 120, "\(shares)")
  }

  @Test func nothingIsLearntFromANodeWithoutWork() {
    var rule = DealRule(nodes: [[0], [1]])
    #expect(counts(rule.division(after: work([100, 0]))) == [35, 35])
    _ = rule.division(after: work([100, 50]))
    #expect(counts(rule.division(after: work([0, 100])), 60) == [40, 20])
  }

  /// Whatever shares the rule makes, there is room for the samples.
  @Test func capacityHoldsWhatTheRuleDeals() {
    for nodes in [[[0, 1], [2]], [[0], [1], [2], [3]], [[0, 1, 2]]] {
      let ranks = nodes.joined().count
      for (samples, batch, micro) in [(1000, 64, 4), (977, 100, 7), (60, 64, 8)] {
        let plan = StepPlan(
          sampleCount: samples, globalBatch: batch, microBatch: micro, dropsLastBatch: false)
        let capacity = DealRule.capacity(plan, nodes: nodes)
        for seed in 0..<20 {
          var rule = DealRule(nodes: nodes)
          let speeds = (0..<ranks).map { Double(1 + (seed * 7919 + $0 * 104_729) % 997) }
          let division =
            nodes.count > 1 ? rule.division(after: work(speeds)) : LeafDivision(equalAmong: nodes)
          // Nobody has anything yet but the first rank.
          let read = Placement(
            ranges: (0..<ranks).map { $0 == 0 ? 0..<samples : 0..<0 }, totalSamples: samples)
          let placement = Placement(plan, division, order: (0..<Int32(samples)).map { $0 }, old: read)
          // What a rank has read stays on its node.
          for rank in 1..<ranks { #expect(placement.samples(of: rank).count <= capacity) }
        }
      }
    }
  }

  @Test func lookingIsRareAndSoonerAtTheStart() {
    var rule = DealRule(nodes: [[0], [1]])
    let looks = (1...2000).filter { rule.isDue(afterSteps: $0) }
    #expect(looks.first == 6 && looks.count < 15, "\(looks)")
  }
}
