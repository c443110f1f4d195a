import Foundation
import Model
import Tensors
import Testing

@Suite struct ScheduleTests {
  @Test func constantAndStep() {
    #expect(Schedule.constant.rate(at: 77, of: 100, stepsPerEpoch: 10) == 1)
    let step = Schedule.step(factor: 0.5, epochs: 2)
    let rates = [0, 19, 20, 39, 40].map { step.rate(at: $0, of: 100, stepsPerEpoch: 10) }
    #expect(rates == [1, 1, 0.5, 0.5, 0.25])
  }

  @Test func cosineFallsFromOneToZero() {
    for step in 0..<50 {
      let expected = 0.5 * (1 + cos(Double.pi * Double(step) / 50))
      #expect(
        abs(Double(Schedule.cosine(warmup: 0).rate(at: step, of: 50, stepsPerEpoch: 5)) - expected) < 1e-7)
    }
    let warmed = Schedule.cosine(warmup: 0.2)
    #expect((0..<4).map { warmed.rate(at: $0, of: 20, stepsPerEpoch: 5) } == [0.25, 0.5, 0.75, 1])
    #expect(warmed.rate(at: 4, of: 20, stepsPerEpoch: 5) == 1)
  }

  @Test func oneCycleRisesOverAFifthThenFalls() {
    let rates = (0..<10).map { Schedule.oneCycle(warmup: 0.2).rate(at: $0, of: 10, stepsPerEpoch: 5) }
    #expect(rates == [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])
  }

  @Test func averagingFollowsTheWeights() {
    let weights = FloatBuffer([1, -2])
    let mean = FloatBuffer([0, 2])
    updateAverage(mean, with: weights, decay: 0.75)
    #expect(Array(mean.elements) == [0.25, 1])
  }
}
