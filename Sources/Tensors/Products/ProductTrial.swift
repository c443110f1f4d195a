internal import Files

/// Whether OpenBLAS may do products of a shape in place of Lockstep's own code: if it gives the same bits, and is not
/// slower.
///
/// The order in which a product sums does not depend on the numbers in it, so a few random matrices tell: with another
/// order nearly every second sum of them ends in other bits.
package struct ProductTrial {
  private let openBLAS: OpenBLAS
  private let own: OwnProducts
  private let shape: ProductShape

  private let a: [Float]
  private let b: [Float]

  package init(openBLAS: OpenBLAS, own: OwnProducts, shape: ProductShape) {
    (self.openBLAS, self.own, self.shape) = (openBLAS, own, shape)
    a = Self.numbers(shape.m * shape.k, from: 0)
    b = Self.numbers(shape.k * shape.n, from: 1)
  }

  /// Some thousand random numbers from −1 to 1, with zeros of both signs and a run of zeros among them, since a sum
  /// that starts otherwise may differ in the sign of a zero alone.
  private static let stock: [Float] = {
    let generator = CounterGenerator(seed: 0, for: .test)
    return (0..<4099).map { index in
      let value = Float(2 * generator.uniform(at: UInt64(index)) - 1)
      return (3000..<3400).contains(index) ? (value < 0 ? -0.0 : 0) : value
    }
  }()

  private static func numbers(_ count: Int, from start: Int) -> [Float] {
    (0..<count).map { stock[(start * 1237 + $0) % stock.count] }
  }

  /// Whether both give the same bits.
  package func isEqual() -> Bool {
    // Small products are too few sums to tell: they are tried with several places of the stock.
    let rounds = min(max(512 / (shape.m * shape.n), 1), 16)
    let scales: [(alpha: Float, beta: Float)] =
      shape.overwrites ? [(1, 0), (0.7, 0)] : [(1, 1), (0.7, -1.3)]
    for round in 0..<rounds {
      let (a, b) =
        round == 0
        ? (a, b) : (Self.numbers(a.count, from: 2 + round), Self.numbers(b.count, from: 50 + round))
      for (alpha, beta) in scales {
        let c = Self.numbers(shape.m * shape.n, from: 2)
        var (ours, theirs) = (c, c)
        own.multiply(
          shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
          into: &ours,
          alpha: alpha, beta: beta)
        openBLAS.multiply(
          shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
          into: &theirs,
          alpha: alpha, beta: beta)
        guard zip(ours, theirs).allSatisfy({ $0.bitPattern == $1.bitPattern }) else { return false }
      }
    }
    return true
  }

  /// Whether OpenBLAS takes no longer, by the shortest of some tries in turns.
  func isQuick() -> Bool {
    let calls = max(60_000 / shape.multiplyAdds, 1)
    var c = [Float](repeating: 0, count: shape.m * shape.n)
    let beta: Float = shape.overwrites ? 0 : 1
    var (ours, theirs) = (Double.infinity, Double.infinity)
    c.withUnsafeMutableBufferPointer { c in
      guard let c = c.baseAddress else { return }
      for _ in 0..<4 {
        let start = MonotonicClock.now()
        for _ in 0..<calls {
          own.multiply(
            shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
            into: c,
            alpha: 1, beta: beta)
        }
        let middle = MonotonicClock.now()
        for _ in 0..<calls {
          openBLAS.multiply(
            shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
            into: c,
            alpha: 1, beta: beta)
        }
        ours = min(ours, middle - start)
        theirs = min(theirs, MonotonicClock.now() - middle)
      }
    }
    return theirs <= ours
  }
}
