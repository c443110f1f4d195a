import Analysis
import Testing

/// Statistics against values of scipy 1.17.
@Suite struct StatisticsTests {
  /// `scipy.stats.t.ppf(1 - (1 - c)/2, df)`
  @Test(arguments: [
    (1.0, 0.95, 12.706204736174694), (2, 0.95, 4.302652729749462), (9, 0.95, 2.262157162798205),
    (19, 0.95, 2.0930240544083087), (100, 0.99, 2.6258905214380173),
  ])
  func quantilesOfStudentsDistribution(_ freedom: Double, _ confidence: Double, _ expected: Double) {
    let quantile = StudentDistribution(degreesOfFreedom: freedom).quantile(confidence: confidence)
    #expect((quantile / expected - 1).magnitude < 1e-9)
  }

  /// `2 * scipy.stats.t.sf(abs(t), df)`
  @Test(arguments: [
    (1.0, 1.0, 0.5), (4, 2.5, 0.06676654481198814), (9, -3.1, 0.01272245597820195),
    (19, 0.01, 0.992125542002558),
    (19, 8, 1.6759546882818132e-07), (200, 1.97, 0.05021860451812482),
  ])
  func probabilitiesOfStudentsDistribution(_ freedom: Double, _ t: Double, _ expected: Double) {
    let probability = StudentDistribution(degreesOfFreedom: freedom).twoSidedProbability(t)
    #expect((probability / expected - 1).magnitude < 1e-9)
  }

  @Test func summariesOfSamples() throws {
    // statistics.stdev, scipy.stats.t.interval
    let summary = try #require(SampleSummary([99.2, 99.18, 99.31, 99.05, 99.22]))
    #expect((summary.mean - 99.192).magnitude < 1e-12 && summary.minimum == 99.05 && summary.maximum == 99.31)
    let (deviation, interval) = (try #require(summary.deviation), try #require(summary.interval))
    #expect((deviation - 0.0936482781475468).magnitude < 1e-12)
    #expect((interval.lowerBound - 99.07572030453042).magnitude < 1e-9)
    #expect((interval.upperBound - 99.3082796954696).magnitude < 1e-9)
    let one = try #require(SampleSummary([7]))
    #expect(one.mean == 7 && one.deviation == nil && one.interval == nil && SampleSummary([]) == nil)
  }

  /// `scipy.stats.ttest_rel`, and the signs by `itertools.product`.
  @Test func pairedTests() throws {
    let first = [9910, 9920, 9905, 9931, 9917, 9922, 9908, 9919]
    let second = [9915, 9921, 9911, 9930, 9925, 9926, 9914, 9922]
    let test = try #require(PairedTest(zip(first, second).map { ($0, $1) }, unit: 0.01))
    #expect((try #require(test.tProbability) - 0.006176503279974772).magnitude < 1e-12)
    #expect(test.signFlipProbability == 6.0 / 256)
    let interval = try #require(test.differences.interval)
    #expect((interval.lowerBound - 0.015523813647851945).magnitude < 1e-10)
    #expect((interval.upperBound - 0.064476186352148055).magnitude < 1e-10)
  }

  /// Against all signs one by one, and at numbers of pairs that nobody could try one by one.
  @Test func exchangesOfSigns() {
    for differences in [[], [0], [3], [1, 2], [5, -1, 0, 4, 4, -7], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]] {
      let observed = abs(differences.reduce(0, +))
      let all = 1 << differences.count
      let extreme = (0..<all).count { signs in
        abs(
          differences.indices.reduce(0) { $0 + (signs >> $1 & 1 == 1 ? differences[$1] : -differences[$1]) })
          >= observed
      }
      let probability = PairedTest.signFlipProbability(differences)
      #expect((probability - Double(extreme) / Double(all)).magnitude < 1e-12, "\(differences)")
    }
    #expect(PairedTest.signFlipProbability(Array(repeating: 2, count: 1100)) < 1e-300)
    let balanced = PairedTest.signFlipProbability((0..<2000).map { $0 % 2 == 0 ? 3 : -3 })
    #expect((balanced - 1).magnitude < 1e-12)
  }
}
