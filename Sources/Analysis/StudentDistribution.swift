internal import Foundation

/// Student's t distribution (Student 1908).
package struct StudentDistribution: Sendable {
  package let degreesOfFreedom: Double

  package init(degreesOfFreedom: Double) {
    precondition(degreesOfFreedom > 0, "\(degreesOfFreedom) degrees of freedom")
    self.degreesOfFreedom = degreesOfFreedom
  }

  /// The probability of a value further from 0 than `t`, on either side.
  package func twoSidedProbability(_ t: Double) -> Double {
    guard t.isFinite else { return t.isNaN ? .nan : 0 }
    let v = degreesOfFreedom
    return Self.incompleteBeta(v / (v + t * t), v / 2, 0.5)
  }

  /// The value that is exceeded, on either side, with probability 1 − `confidence`, by bisection.
  package func quantile(confidence: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while twoSidedProbability(high) > 1 - confidence, high < 1e300 { high *= 2 }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if twoSidedProbability(middle) > 1 - confidence { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The regularised incomplete beta function I_x(a, b), by its continued fraction in Lentz's way (Press et al., Numerical
  /// Recipes, 3rd edition, §6.4).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    return x < (a + 1) / (a + b + 2) ? fraction(x, a, b) : 1 - fraction(1 - x, b, a)
  }

  /// I_x(a, b) where its continued fraction converges quickly.
  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let logFront = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    let tiny = 1e-300
    func away(_ value: Double) -> Double { value.magnitude < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / away(1 - (a + b) * x / (a + 1))
    var fraction = d
    for step in 1...10_000 {
      let m = Double(step)
      for term in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 / away(1 + term * d)
        c = away(1 + term / c)
        fraction *= c * d
      }
      if (c * d - 1).magnitude < 1e-15 { break }
    }
    return exp(logFront) * fraction / a
  }
}
