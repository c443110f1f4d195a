import Scaling
import Testing

@Suite struct StepSimulationTests {
  /// Two ranks with 4 leaves each, the second twice as slow, worked out by hand.
  @Test func freeRanksTakeFromTheRichest() {
    let simulation = StepSimulation(
      leafSeconds: [1, 2], shares: [4, 4], samplesPerLeaf: 3, reductionSeconds: 0.5, updateSeconds: 0.25)
    let equal = simulation.step(dealing: .equal)
    #expect(equal.computeSeconds == [4, 8] && equal.waitingSeconds == [4, 0])
    #expect(equal.seconds == 8.75 && equal.imagesPerSecond == 24 / 8.75)
    #expect(equal.leaves == [4, 4] && equal.takenLeaves == 0)
    // After 4 s both are free, the second with two leaves left: the first takes one of them.
    let taking = simulation.step(dealing: .taking)
    #expect(taking.computeSeconds == [5, 6] && taking.waitingSeconds == [1, 0])
    #expect(taking.seconds == 6.75 && taking.leaves == [5, 3] && taking.takenLeaves == 1)
  }

  @Test func theRankWithMostLeftGivesFirst() {
    let step = StepSimulation(leafSeconds: [1, 10, 10], shares: [0, 2, 5]).step(dealing: .taking)
    // The first rank takes the third's until both have one left, then the second's, the lower of two alike.
    #expect(step.leaves == [5, 1, 1] && step.takenLeaves == 5 && step.seconds == 10)
  }

  @Test func nothingToDoTakesNoTime() {
    for deal in StepSimulation.Deal.allCases {
      let step = StepSimulation(leafSeconds: [1, 1], shares: [0, 0], updateSeconds: 2).step(dealing: deal)
      #expect(step.seconds == 2 && step.computeSeconds == [0, 0] && step.takenLeaves == 0)
      #expect(StepSimulation(leafSeconds: [], shares: [], updateSeconds: 1).step(dealing: deal).seconds == 1)
    }
  }

  /// What taking promises whatever the cores: no leaf is lost, and the step ends within a leaf of the slowest
  /// core after what the speeds add up to.
  @Test(arguments: [[16, 16, 16, 16], [64, 0, 0, 0], [1, 1, 1, 1], [3, 0, 7, 2]])
  func takingEndsWithinALeafOfTheIdeal(_ shares: [Int]) {
    for slowest in stride(from: 1.0, through: 3, by: 0.25) {
      let times = [1, 1, 1.3, slowest]
      let step = StepSimulation(leafSeconds: times, shares: shares).step(dealing: .taking)
      let count = shares.reduce(0, +)
      let ideal = Double(count) / times.reduce(0) { $0 + 1 / $1 }
      #expect(step.leaves.reduce(0, +) == count)
      let last = step.computeSeconds.max() ?? 0
      #expect(last >= ideal - 1e-9 && last <= ideal + max(1.3, slowest) + 1e-9)
    }
  }

  @Test func jitterIsAFunctionOfSeedAndStep() {
    func steps(_ seed: UInt64, _ deal: StepSimulation.Deal) -> [Double] {
      let simulation = StepSimulation(
        leafSeconds: [1, 1, 1, 1], shares: [16, 16, 16, 16], jitter: 0.5, seed: seed)
      return (0..<20).map { simulation.step(dealing: deal, number: $0).seconds }
    }
    #expect(steps(1, .taking) == steps(1, .taking))
    #expect(Set(steps(1, .equal) + steps(2, .equal)).count == 40)
    // Alike cores differ in each step anyway: equal shares wait for the unluckiest, which taking evens out.
    let (equal, taking) = (steps(1, .equal).reduce(0, +), steps(1, .taking).reduce(0, +))
    #expect(equal > 20 * 16.3 && taking < 20 * 16.6 && taking < equal - 5)
  }
}
