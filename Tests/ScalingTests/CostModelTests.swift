import Collectives
import Model
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

  /// Two nodes of four ranks, 4 MB: worked out by hand.
  @Test func twoLevelsAreTheWindowAndOneRankPerNode() {
    let window = SharedWindow(barrierSeconds: 1e-6, bytesPerSecond: 1e9)
    let model = CostModel(
      within: near, between: far, window: window, ranksPerNode: 4, additionSeconds: 1e-9)
    func seconds(_ ranks: Int, leaves: Int) -> (Double, ReductionAlgorithm?) {
      let reduction = model.twoLevelReduction(ranks: ranks, elementCount: 1_000_000, leafCount: leaves)
      return (reduction.seconds, reduction.algorithm)
    }
    #expect(seconds(1, leaves: 8) == (0, nil))
    // Two barriers of two rounds; three quarters of 4 MB before the additions and as much after them; three
    // additions of a quarter.
    let alone = seconds(4, leaves: 4)
    #expect(isClose(alone.0, 4e-6 + 6e-3 + 0.75e-3) && alone.1 == nil)
    // Twice as many sums: twice the reading and seven quarters of the additions.
    #expect(isClose(seconds(4, leaves: 12).0, 4e-6 + 9e-3 + 1.75e-3))
    // One more barrier, and the reduction of two ranks.
    let both = seconds(8, leaves: 8)
    #expect(isClose(both.0, 6e-6 + 6.75e-3 + 2 * (1e-4 + 1e-5 + 0.02) + 0.5e-3) && both.1 != nil)
    // Nodes of one rank send messages and nothing else.
    let lone = CostModel(within: near, between: far, ranksPerNode: 1)
    #expect(
      lone.twoLevelReduction(ranks: 6, elementCount: 1000, leafCount: 6).seconds
        == lone.best(ranks: 6, elementCount: 1000, leafCount: 6).seconds)
  }

  /// One rank per node spares a link what all ranks of a node would send over it.
  @Test func twoLevelsSpareTheLinkOfANode() {
    let model = CostModel(within: near, between: far, ranksPerNode: 16)
    let flat = model.reductionSeconds(.direct, ranks: 64, elementCount: 1_000_000, leafCount: 64)
    #expect(model.twoLevelReduction(ranks: 64, elementCount: 1_000_000, leafCount: 64).seconds < flat / 8)
  }

  @Test func aBarrierTakesRoundsByTheLogarithm() {
    let window = SharedWindow(barrierSeconds: 1, bytesPerSecond: 1)
    #expect([1, 2, 3, 4, 5, 16, 17].map(window.barrier) == [0, 1, 2, 2, 3, 4, 5])
  }

  @Test func aDividedUpdateIsFixedAndDividedAndBarriers() throws {
    let window = SharedWindow(barrierSeconds: 1e-6, bytesPerSecond: 1e9)
    let division = UpdateDivision(dividedShare: 0.75, barriers: 10, sharedBytes: 4000)
    #expect(division.seconds(alone: 4e-3, ranks: 1, window: window) == 4e-3)
    // A quarter alone, a quarter of the rest, ten barriers of two rounds, 3 KB of others.
    #expect(
      isClose(division.seconds(alone: 4e-3, ranks: 4, window: window), 1e-3 + 0.75e-3 + 20e-6 + 3e-6))
    // What would take longer together is done by each rank for itself.
    #expect(division.seconds(alone: 10e-6, ranks: 4, window: window) == 10e-6)
    #expect(UpdateDivision.none.seconds(alone: 4e-3, ranks: 4, window: window) == 4e-3)
  }

  /// `quick` has two matrices that Muon orthogonalises, 144×32 and 288×64, by five iterations, side by side.
  @Test func muonsMatricesNeedBarriers() throws {
    let layout = try Network(#require(NetworkSpecification.named["quick"]), capacity: 1).layout
    let muon = UpdateDivision(of: .muon(MuonSpecification()), layout: layout)
    #expect(muon.barriers == 12 && muon.dividedShare == 1)
    #expect(muon.sharedBytes == 4 * (144 * 32 + 288 * 64 + 10 * (32 * 32 + 64 * 64)))
    let adamW = UpdateDivision(of: .adamW(AdamWSpecification()), layout: layout)
    #expect(adamW == UpdateDivision(dividedShare: 1, barriers: 0, sharedBytes: 0))
  }

  @Test func speedsAreReadFromWords() throws {
    let speeds = try #require(CoreSpeeds(parsing: "1,1,0.55"))
    #expect((0..<7).map { speeds[$0] } == [1, 1, 0.55, 1, 1, 0.55, 1] && speeds.differ)
    #expect(CoreSpeeds(parsing: "1,1")?.differ == false && !CoreSpeeds.alike.differ)
    // Two nodes of four and one of two: each begins anew.
    #expect(isClose(speeds.sum(ranks: 10, ranksPerNode: 4), 2 * 3.55 + 2))
    for text in ["", "1,", "1,x", "0,1", "-1", "inf", "nan", "1,1e9", "1;2"] {
      #expect(CoreSpeeds(parsing: text) == nil, "\(text)")
    }
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
