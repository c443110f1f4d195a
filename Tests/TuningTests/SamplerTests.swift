import Testing
import Tuning

/// Where trials are in a space.
@Suite struct SamplerTests {
  /// The first points of `new-joe-kuo-6.21201`, as Joe and Kuo's program prints them.
  @Test func theFirstPointsAreThePublishedOnes() {
    let sequence = SobolSequence(dimensions: 6)
    let points = (0..<9).map { sequence.point($0).map { Double($0) * 0x1p-32 } }
    #expect(
      points == [
        [0, 0, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0.75, 0.25, 0.25, 0.25, 0.75, 0.75],
        [0.25, 0.75, 0.75, 0.75, 0.25, 0.25], [0.375, 0.375, 0.625, 0.875, 0.375, 0.125],
        [0.875, 0.875, 0.125, 0.375, 0.875, 0.625], [0.625, 0.125, 0.875, 0.625, 0.625, 0.875],
        [0.125, 0.625, 0.375, 0.125, 0.125, 0.375], [0.1875, 0.3125, 0.9375, 0.4375, 0.5625, 0.3125],
      ])
  }

  /// 600 points of all dimensions, folded into one number: with scipy 1.17,
  /// `for row in qmc.Sobol(64, scramble=False).random(600): for v in row: h = (h*31 + int(v*2**32)) % 2**64`.
  @Test func allDimensionsAreThoseOfAnotherImplementation() {
    let sequence = SobolSequence(dimensions: SobolSequence.mostDimensions)
    let hash = (0..<600).reduce(UInt64(0)) { hash, number in
      sequence.point(number).reduce(hash) { $0 &* 31 &+ UInt64($1) }
    }
    #expect(SobolSequence.mostDimensions == 64 && hash == 17_886_418_521_265_537_024)
  }

  /// As many points as intervals: one in each, in each dimension, whatever the seed.
  @Test(arguments: [UInt64(0), 1, .max])
  func pointsAreEvenInEachDimension(_ seed: UInt64) {
    let points = (0..<64).map { Sampler.sobol.point($0, dimensions: 20, seed: seed) }
    for dimension in 0..<20 { #expect(Set(points.map { Int($0[dimension] * 64) }).count == 64) }
  }

  @Test(arguments: Sampler.allCases)
  func pointsAreFunctionsOfSeedAndNumber(_ sampler: Sampler) {
    let point = sampler.point(7, dimensions: 5, seed: 3)
    #expect(point == sampler.point(7, dimensions: 5, seed: 3) && point.allSatisfy { (0..<1).contains($0) })
    #expect(
      point != sampler.point(8, dimensions: 5, seed: 3) && point != sampler.point(7, dimensions: 5, seed: 4))
  }
}
