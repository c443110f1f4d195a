import Collectives
import Scaling
import Testing

@Suite struct CostModelTests {
  private let near = CostModel.Link(latencySeconds: 1e-6, bytesPerSecond: 1e10, messageSeconds: 0)
  private let far = CostModel.Link(latencySeconds: 1e-4, bytesPerSecond: 1e8, messageSeconds: 1e-5)

  private func seconds(
    _ algorithm: ReductionAlgorithm, _ ranks: Int, perNode: Int = 1, elements: Int = 1_000_000
  ) -> Double {
    CostModel(within: near, between: far, ranksPerNode: perNode, additionSeconds: 0)
      .reductionSeconds(algorithm, ranks: ranks, elementCount: elements, leafCount: ranks)
  }

  private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * abs(b) }

  /// 4 MB over 100 MB/s, worked out by hand.
  @Test func agreesWithTheFormulas() {
    // Two rounds: latency, a message's work, half the buffer.
    #expect(isClose(seconds(.direct, 2), 2 * (1e-4 + 1e-5 + 0.02)))
    #expect(isClose(seconds(.halving, 2), seconds(.direct, 2)))
    // Two rounds, three messages of a quarter each.
    #expect(isClose(seconds(.direct, 4), 2 * (1e-4 + 3 * (1e-5 + 0.01))))
    // Two rounds up of a half and a quarter, and two down.
    #expect(isClose(seconds(.halving, 4), 2 * (2 * (1e-4 + 1e-5) + 0.02 + 0.01)))
    #expect(seconds(.direct, 1) == 0)
  }

  /// Four ranks of a node share its link: what halving keeps within the node, direct sends through it.
  @Test func halvingSparesTheLinkOfANode() {
    let direct = seconds(.direct, 8, perNode: 4)
    let halving = seconds(.halving, 8, perNode: 4)
    // Four messages of an eighth from each of four ranks, against an eighth from each, twice.
    #expect(direct > 2 * 4 * 4 * 0.005 && direct < 2 * 4 * 4 * 0.005 * 1.05)
    #expect(halving > 2 * 4 * 0.005 && halving < 2 * 4 * 0.005 * 1.15)
  }

  @Test func fewMessagesWinAmongManyRanksAndFewRoundsAmongFew() {
    let model = CostModel(within: near, between: far, ranksPerNode: 1)
    #expect(model.best(ranks: 1024, elementCount: 28_018, leafCount: 1024).algorithm == .halving)
    #expect(model.best(ranks: 4, elementCount: 28_018, leafCount: 4).algorithm == .direct)
  }

  /// The optimizer, which all ranks do alike, bounds the speed-up whatever the network.
  @Test func aStepIsComputeUpdateAndReduction() {
    let cost = StepCost(
      leafSeconds: 1e-3, updateSeconds: 1e-3, leafCount: 64, elementCount: 1000)
    let model = CostModel(within: near, between: near, ranksPerNode: 64, additionSeconds: 0)
    #expect(isClose(cost.step(ranks: 1, model: model).seconds, 65e-3))
    let step = cost.step(ranks: 48, model: model)
    #expect(isClose(step.seconds, 2e-3 + 1e-3 + step.reduction))
  }

  @Test func networksAreReadFromWords() {
    let network = CostModel.Link(parsing: "25gbit,10us")
    #expect(network?.bytesPerSecond == 25e9 / 8 && network?.latencySeconds == 10 * 1e-6)
    #expect(CostModel.Link(parsing: "100mbit,1ms")?.latencySeconds == 1e-3)
    for text in ["", "25gbit", "10us,25gbit", "0gbit,1us", "25gbit,x"] {
      #expect(CostModel.Link(parsing: text) == nil)
    }
  }
}
