import Collectives
import Model
import Runs
import Scaling
import Testing

/// The simulation against machines whose cores differ. docs/development/scaling.md prints these predictions.
@Suite struct UnequalCoresTests {
  // 16 cores of an Intel Xeon, virtual machine, 2026-11-26: recipe quick, a global batch of 1,024 on 16 ranks,
  // 16 leaves of 4 images each. Microseconds of forward and backward passes by rank, medians of 130 steps.
  private let computeMicroseconds = [
    4008.0, 3620, 4030, 4638, 2597, 4641, 3301, 3388, 2681, 3240, 4037, 3967, 2555, 3545, 3952, 3821,
  ]
  /// Beside it in each of these steps, on every rank: preparing 64 images.
  private let inputSeconds = 250e-6
  /// The middle of 180–280 µs.
  private let updateSeconds = 230e-6
  /// The middle of 80–220 µs.
  private let reductionSeconds = 150e-6

  /// A step with so many leaves on each rank, as that machine took it.
  private func xeon(leavesPerRank: Int) -> StepSimulation {
    StepSimulation(
      leafSeconds: computeMicroseconds.map { ($0 * 1e-6 + inputSeconds) / 16 },
      shares: computeMicroseconds.map { _ in leavesPerRank }, samplesPerLeaf: 4,
      reductionSeconds: reductionSeconds, updateSeconds: updateSeconds)
  }

  /// The same with the update divided and the reduction in a window.
  private func xeon(leavesPerRank: Int, window: SharedWindow) throws -> StepSimulation {
    let quick = try #require(Recipe.named("quick"))
    let layout = try Network(quick.network, capacity: 1).layout
    let link = CostModel.Link(latencySeconds: 0, bytesPerSecond: .infinity, messageSeconds: 0)
    let model = CostModel(within: link, between: link, window: window, ranksPerNode: 16)
    var step = xeon(leavesPerRank: leavesPerRank)
    step.reductionSeconds =
      model.twoLevelReduction(ranks: 16, elementCount: 29_330, leafCount: 16 * leavesPerRank).seconds
    step.updateSeconds = UpdateDivision(of: quick.optimizer, layout: layout)
      .seconds(alone: updateSeconds, ranks: 16, window: window)
    return step
  }

  /// No slower than that machine's messages: 4.8 MB by `direct` took 3.7 ms, of which 0.34 are additions, so
  /// 2 · 15/16 · 4.8 MB went at 2.7 GB/s; 117 KB by `halving` took 97 µs, which beside bytes and additions
  /// leaves 0.9 µs for each of eight messages.
  private let asMessages = SharedWindow(barrierSeconds: 0.9e-6, bytesPerSecond: 2.7e9)
  /// Four times as fast.
  private let fast = SharedWindow(barrierSeconds: 0.9e-6 / 4, bytesPerSecond: 4 * 2.7e9)

  private func thousands(_ step: StepSimulation.Step) -> Int { Int((step.imagesPerSecond / 1000).rounded()) }

  private func isClose(_ a: Double, _ b: Double, within part: Double) -> Bool { abs(a - b) <= part * b }

  /// 182,000 and 207,000 images/s with a batch of 1,024; weak scaling, the same step, 201,570.
  @Test func equalSharesAreForetold() {
    let step = xeon(leavesPerRank: 16).step(dealing: .equal)
    for measured in [182_000.0, 207_000, 201_570] {
      #expect(isClose(step.imagesPerSecond, measured, within: 0.15))
    }
    #expect(thousands(step) == 194)
    // Two ranks make all others wait; at a mean speed there would be nothing to wait for, and the figure wrong.
    #expect(step.waitingSeconds.count { $0 > 0.2e-3 } == 14)
    var alike = xeon(leavesPerRank: 16)
    let mean = alike.leafSeconds.reduce(0, +) / 16
    alike.leafSeconds = alike.leafSeconds.map { _ in mean }
    #expect(!isClose(alike.step(dealing: .equal).imagesPerSecond, 201_570, within: 0.15))
  }

  /// 94,010 images/s with a batch of 64, a leaf for each rank.
  @Test func oneLeafARankIsForetold() {
    let step = xeon(leavesPerRank: 1).step(dealing: .equal)
    #expect(isClose(step.imagesPerSecond, 94_010, within: 0.15) && thousands(step) == 93)
    // With nothing left to take, taking is the same.
    #expect(xeon(leavesPerRank: 1).step(dealing: .taking) == step)
  }

  /// Without the input, equal shares computed for 4,641 µs; what the speeds add up to is 3,510.
  @Test func takingBringsNearlyWhatTheSpeedsAddUpTo() {
    var simulation = xeon(leavesPerRank: 16)
    let whole = simulation.step(dealing: .taking)
    #expect(thousands(whole) == 235 && whole.takenLeaves == 20)
    #expect(whole.leaves[12] > 19 && whole.leaves[5] < 14)
    simulation.leafSeconds = computeMicroseconds.map { $0 * 1e-6 / 16 }
    let step = simulation.step(dealing: .taking)
    let compute = step.computeSeconds.max() ?? 0
    #expect(compute > 3510e-6 && compute < 3650e-6)
    #expect(simulation.step(dealing: .equal).seconds > 1.2 * step.seconds)
  }

  @Test func sharedMemoryAndADividedUpdateAreForetold() throws {
    func rates(_ leaves: Int, _ window: SharedWindow) throws -> [Int] {
      let simulation = try xeon(leavesPerRank: leaves, window: window)
      return StepSimulation.Deal.allCases.map { thousands(simulation.step(dealing: $0)) }
    }
    #expect(try rates(16, asMessages) == [199, 242])
    #expect(try rates(16, fast) == [206, 253])
    #expect(try rates(1, asMessages) == [114, 114])
    #expect(try rates(1, fast) == [165, 165])
  }

  /// Two cores, the second slowed to about half by another process, 128 leaves of nothing but products: alone
  /// they took 6,405–6,620 µs, in equal shares with the slow core 7,120–7,420, taken one by one 4,524, and 24
  /// changed hands.
  @Test func aSlowedCoreIsForetold() {
    let simulation = StepSimulation(leafSeconds: [6512e-6 / 128, 7270e-6 / 64], shares: [64, 64])
    let step = simulation.step(dealing: .taking)
    #expect(isClose(step.seconds, 4524e-6, within: 0.02) && step.takenLeaves == 24)
  }
}
