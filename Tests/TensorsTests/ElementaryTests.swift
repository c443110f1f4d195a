import Foundation
import Tensors
import Testing

@Suite struct ElementaryTests {
  @Test func exponentialIsAccurate() {
    for i in 0..<20_000 {
      let x = Float(i - 17_400) / 200  // −87 to 13
      let expected = exp(Double(x))
      #expect(abs(Double(exponential(x)) - expected) <= 2.5e-7 * expected + 1e-45, "exp(\(x))")
    }
    #expect(exponential(0) == 1)
    #expect(exponential(-200) == 0)
    #expect(exponential(-.infinity) == 0)
  }

  @Test func exponentialOfDoublesIsAccurate() {
    for i in -7000...7000 {
      let x = Double(i) / 10 + 0.0371
      #expect(abs(exponential(double: x) / exp(x) - 1) < 1e-15, "exp(\(x))")
    }
    #expect(exponential(double: 0) == 1)
  }

  @Test func logarithmIsAccurate() {
    for i in 1..<20_000 {
      let x = pow(1.002, Double(i) - 10_000)
      #expect(abs(naturalLogarithm(x) - log(x)) <= 4e-16 * max(abs(log(x)), 1), "log(\(x))")
    }
    #expect(naturalLogarithm(1) == 0)
  }

  @Test func sineAndCosineAreAccurate() {
    for i in -10_000...10_000 {
      let x = Double(i) / 10_000 * Double.pi
      let (sine, cosine) = sineAndCosine(x)
      #expect(abs(sine - sin(x)) < 2e-15 && abs(cosine - cos(x)) < 2e-15, "\(x)")
    }
    #expect(sineAndCosine(0) == (0, 1))
  }
}
