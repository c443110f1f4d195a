import Testing
import Training

/// Which trials get how many ranks.
@Suite struct TrialPlanTests {
  private func work(_ costs: [Double], mostRanks: Int = 100) -> [TrialPlan.Work] {
    costs.enumerated().map { TrialPlan.Work(trial: $0, cost: $1, mostRanks: mostRanks) }
  }

  @Test func whatIsLeftOverSharesAllRanks() {
    func sizes(_ trials: Int, _ ranks: Int, _ perTrial: Int? = nil) -> [Int] {
      TrialPlan.assignments(work(Array(repeating: 1, count: trials)), ranks: ranks, perTrial: perTrial).map(
        \.ranks)
    }
    #expect(sizes(9, 4) == [1, 1, 1, 1, 1, 1, 1, 1, 4] && sizes(1, 5) == [5])
    #expect(sizes(3, 8) == [3, 3, 2] && sizes(4, 4) == [1, 1, 1, 1])
    #expect(sizes(5, 4, 2) == [2, 2, 2, 2, 4] && sizes(2, 5, 2) == [3, 2] && sizes(3, 2, 2) == [2, 2, 2])
    #expect(sizes(0, 3) == [])
  }

  @Test func theCostliestBeginFirst() {
    let plan = TrialPlan.assignments(work([1, 5, 3, 5, 2]), ranks: 2, perTrial: nil)
    #expect(plan.map(\.trial) == [1, 3, 2, 4, 0] && plan.map(\.ranks) == [1, 1, 1, 1, 2])
  }

  /// No trial gets ranks that would have no work in it; others get them instead.
  @Test func ranksHaveWork() {
    let mixed = [
      TrialPlan.Work(trial: 0, cost: 2, mostRanks: 2), TrialPlan.Work(trial: 1, cost: 1, mostRanks: 50),
    ]
    #expect(TrialPlan.assignments(mixed, ranks: 16, perTrial: nil).map(\.ranks) == [2, 14])
    #expect(TrialPlan.assignments(work([1], mostRanks: 3), ranks: 16, perTrial: nil).map(\.ranks) == [3])
    #expect(TrialPlan.assignments(work([1, 1], mostRanks: 1), ranks: 4, perTrial: 2).map(\.ranks) == [1, 1])
  }
}
