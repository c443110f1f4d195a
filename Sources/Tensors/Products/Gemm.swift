internal import Files

/// C ← α·A·B + β·C for row-major matrices, by the one definition that a model's bits rest on:
///
///     S = 0;  for k = 0, 1, …:  S = fma(A[i,k], B[k,j], S)
///     C[i,j] ← α·S                  where β = 0: C is not read
///     C[i,j] ← fma(β, C[i,j], α·S)  elsewhere
///
/// Each operation is rounded once (docs/reproducibility.md). `Products` decides who computes it; nobody may deliver
/// other bits, unless `ProductChoice.openblas` asked for them.
///
/// After transposition A is [m, k] and B is [k, n]; C is [m, n]. All three lie in memory without gaps: a
/// transposed A is stored as [k, m], a transposed B as [n, k]. C must not overlap A or B.
package func gemm(
  _ m: Int, _ n: Int, _ k: Int,
  _ a: UnsafePointer<Float>, transposeA: Bool = false,
  _ b: UnsafePointer<Float>, transposeB: Bool = false,
  into c: UnsafeMutablePointer<Float>, alpha: Float = 1, beta: Float = 0
) {
  let start = ProductTimer.isOn ? MonotonicClock.now() : 0
  Products.current.multiply(
    m, n, k, a, transposeA: transposeA, b, transposeB: transposeB, into: c, alpha: alpha, beta: beta)
  if ProductTimer.isOn { ProductTimer.seconds += MonotonicClock.now() - start }
}

/// Measures products, for profiles of a process's one training thread.
package enum ProductTimer {
  /// Whether products are timed.
  package nonisolated(unsafe) static var isOn = false
  /// Seconds spent in products while they were timed.
  package nonisolated(unsafe) static var seconds = 0.0
}
