internal import COpenBLAS

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// C ← α·A·B + β·C for row-major matrices, by OpenBLAS's `cblas_sgemm`.
///
/// After transposition A is [m, k] and B is [k, n]; C is [m, n]. All three lie in memory without gaps: a
/// transposed A is stored as [k, m], a transposed B as [n, k].
@inlinable
public func gemm(
  _ m: Int, _ n: Int, _ k: Int,
  _ a: UnsafePointer<Float>, transposeA: Bool = false,
  _ b: UnsafePointer<Float>, transposeB: Bool = false,
  into c: UnsafeMutablePointer<Float>, alpha: Float = 1, beta: Float = 0
) {
  sgemm(m, n, k, alpha, a, transposeA, b, transposeB, beta, c)
}

@usableFromInline
func sgemm(
  _ m: Int, _ n: Int, _ k: Int, _ alpha: Float,
  _ a: UnsafePointer<Float>, _ transposeA: Bool, _ b: UnsafePointer<Float>, _ transposeB: Bool,
  _ beta: Float, _ c: UnsafeMutablePointer<Float>
) {
  let start = BLAS.isTimed ? monotonicSeconds() : 0
  defer { if BLAS.isTimed { BLAS.seconds += monotonicSeconds() - start } }
  cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
    blasint(m), blasint(n), blasint(k), alpha, a, blasint(transposeA ? m : k), b,
    blasint(transposeB ? k : n), beta, c, blasint(n))
}

/// Seconds on the machine's monotonic clock.
package func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// What the linked OpenBLAS is and does.
public enum BLAS {
  /// Multiply-adds up to which `sgemm` has kernels that do without packing their operands, where it has such.
  package static let smallProduct = 1_000_000

  /// Whether products are timed, for profiles of a process's one training thread.
  package nonisolated(unsafe) static var isTimed = false
  /// Seconds spent in products while they were timed.
  package nonisolated(unsafe) static var seconds = 0.0

  /// Makes every later product run on the calling thread alone: ranks, not threads, fill the cores.
  public static func useOneThread() {
    openblas_set_num_threads(1)
  }

  /// The name of the kernels in use, e.g. `Cooperlake`. The bits of a product depend on it, so ranks with
  /// different kernels do not train the same model; `OPENBLAS_CORETYPE` fixes one for a mixed cluster.
  public static var kernelName: String {
    String(cString: openblas_get_corename())
  }

  /// Version and build options, e.g. `OpenBLAS 0.3.21 …`.
  public static var configuration: String {
    String(cString: openblas_get_config())
  }
}
