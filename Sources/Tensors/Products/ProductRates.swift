internal import Files

/// How fast a processor multiplies matrices, in floating-point operations per second (a multiply-add is two).
package struct ProductRates: Hashable, Sendable {
  /// Of multiply-adds in registers, in the widest vectors: what no product can pass.
  package var peak = 0.0
  /// Of the products that are in use.
  package var inUse = 0.0
  /// Of Lockstep's own products in the widest vectors, or of those in use where they are faster.
  package var best = 0.0

  /// The products of one micro-batch of recipe `quick`: m, n, k, whether A and B are transposed, and how many.
  private static let sample: [(m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, count: Int)] = [
    (576, 16, 25, false, false, 1), (36, 32, 16, false, false, 36), (36, 64, 288, false, false, 1),
    (288, 64, 36, true, false, 1), (36, 288, 64, false, true, 1), (16, 32, 36, true, false, 36),
    (36, 16, 32, false, false, 36), (25, 16, 576, true, false, 1),
  ]

  /// Measures for some milliseconds, in turns.
  package static func measure(_ products: Products) -> ProductRates {
    var rates = ProductRates()
    guard let own = OwnProducts(lanes: OwnProducts.widest) else { return rates }
    rates.peak = 2 * own.peak()
    let largest = sample.map { max($0.m * $0.k, $0.k * $0.n, $0.m * $0.n) }.max() ?? 0
    let a = FloatBuffer(count: largest)
    let b = FloatBuffer(count: largest)
    let c = FloatBuffer(count: largest)
    let generator = CounterGenerator(seed: 0, for: .test)
    for buffer in [a, b] {
      var values = buffer.mutableSpan
      generator.fillNormal(&values, standardDeviation: 1)
    }
    var operations = 0
    func time(_ multiply: (_ index: Int) -> Void) -> Double {
      let start = MonotonicClock.now()
      for index in sample.indices {
        for _ in 0..<sample[index].count { multiply(index) }
      }
      return MonotonicClock.now() - start
    }
    for shape in sample { operations += 2 * shape.m * shape.n * shape.k * shape.count }
    var (inUse, best) = (Double.infinity, Double.infinity)
    for _ in 0..<20 {
      inUse = min(
        inUse,
        time { index in
          let shape = sample[index]
          products.multiply(
            shape.m, shape.n, shape.k, a.pointer, transposeA: shape.transposeA, b.pointer,
            transposeB: shape.transposeB, into: c.pointer)
        })
      best = min(
        best,
        time { index in
          let shape = sample[index]
          own.multiply(
            shape.m, shape.n, shape.k, a.pointer, transposeA: shape.transposeA, b.pointer,
            transposeB: shape.transposeB, into: c.pointer, alpha: 1, beta: 0)
        })
    }
    rates.inUse = Double(operations) / inUse
    rates.best = Double(operations) / min(inUse, best)
    return rates
  }
}
