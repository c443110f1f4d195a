internal import CProducts
internal import Files

/// Lockstep's own products (`CProducts`): the definition of `gemm`, in vectors of 4, 8 or 16 floats, all of the same
/// bits.
package struct OwnProducts: Sendable {
  /// Floats in a vector.
  package let lanes: Int
  private let function:
    @convention(c) (
      Int, Int, Int, Float, UnsafePointer<Float>?, Bool, UnsafePointer<Float>?, Bool, Float,
      UnsafeMutablePointer<Float>?
    ) -> Void

  /// The widest vectors of this processor, in floats: 16 with AVX-512, 8 with AVX2, 4 elsewhere; 0 on a processor
  /// without fused multiply-add, which cannot do Lockstep's products.
  package static var widest: Int { Int(cproducts_widest()) }

  /// Products in vectors of `lanes` floats; nil if this processor has no such vectors.
  package init?(lanes: Int) {
    guard let function = Int32(exactly: lanes).flatMap({ cproducts_of_lanes($0) }) else { return nil }
    self.lanes = lanes
    self.function = function
  }

  /// `gemm`, by this.
  package func multiply(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, transposeA: Bool,
    _ b: UnsafePointer<Float>, transposeB: Bool, into c: UnsafeMutablePointer<Float>, alpha: Float,
    beta: Float
  ) {
    function(m, n, k, alpha, a, transposeA, b, transposeB, beta, c)
  }

  /// What this processor does at best in such vectors, in multiply-adds per second: chains of them in registers.
  package func peak() -> Double {
    let count = 20_000
    var best = Double.infinity
    for _ in 0..<5 {
      let start = MonotonicClock.now()
      _ = cproducts_multiply_adds(Int32(lanes), count)
      best = min(best, MonotonicClock.now() - start)
    }
    return Double(12 * lanes * count) / best
  }
}
