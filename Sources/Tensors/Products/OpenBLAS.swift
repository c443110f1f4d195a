#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The OpenBLAS of this machine, loaded when it is first asked for.
///
/// It is loaded late, and not linked, because it chooses its kernels while it loads: by the variable
/// `OPENBLAS_CORETYPE`, else by a list of processors that ends when it was released. On a newer processor it falls back
/// to kernels of 2004, at a third of the speed. So Lockstep says which ones to use. A process that needs no OpenBLAS
/// does not load it.
package final class OpenBLAS: Sendable {
  // `cblas_sgemm` of the CBLAS interface (Blackford et al. 2002), with its enumerations as the numbers that they are.
  private typealias SGEMM =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32, UnsafePointer<Float>?,
      Int32,
      Float, UnsafeMutablePointer<Float>?, Int32
    ) -> Void
  private static let rowMajor: Int32 = 101
  private static let asIs: Int32 = 111
  private static let transposed: Int32 = 112

  private let sgemm: SGEMM
  /// The name of the kernels in use, e.g. `SkylakeX`.
  package let kernelName: String
  /// Version and build options, e.g. `OpenBLAS 0.3.21 …`.
  package let configuration: String

  /// `OpenBLAS 0.3.21 SkylakeX`: what its bits depend on.
  package var identity: String {
    configuration.split(separator: " ").prefix(2).joined(separator: " ") + " " + kernelName
  }

  /// What OpenBLAS may take of address space: itself, and a buffer of its own for products. Where it gets no buffer it
  /// tries again for ever.
  private static let room = 384 << 20

  /// Whether there is address space for OpenBLAS, within the limit that the system sets this process.
  package static var hasRoom: Bool { Tensors.hasRoom(forBytes: room) }

  /// Loads the library with kernels of that name, or with those that it chooses where that is nil; nil if there is no
  /// OpenBLAS, or no room for it.
  ///
  /// A process has one set of kernels: the library is not loaded anew while somebody holds it.
  package init?(kernel: String?) {
    guard Self.hasRoom else { return nil }
    // One thread, whatever the machine has: ranks fill the cores. Said before it starts the others.
    let library = Self.withVariables([("OPENBLAS_CORETYPE", kernel), ("OPENBLAS_NUM_THREADS", "1")]) {
      Self.names.lazy.compactMap { dlopen($0, RTLD_NOW | RTLD_LOCAL) }.first
    }
    guard let library, let sgemm = dlsym(library, "cblas_sgemm"),
      let setThreads = dlsym(library, "openblas_set_num_threads"),
      let coreName = dlsym(library, "openblas_get_corename"),
      let configuration = dlsym(library, "openblas_get_config")
    else { return nil }
    typealias Text = @convention(c) () -> UnsafePointer<CChar>?
    unsafeBitCast(setThreads, to: (@convention(c) (Int32) -> Void).self)(1)
    self.sgemm = unsafeBitCast(sgemm, to: SGEMM.self)
    kernelName = unsafeBitCast(coreName, to: Text.self)().map { String(cString: $0) } ?? ""
    self.configuration = unsafeBitCast(configuration, to: Text.self)().map { String(cString: $0) } ?? ""
    takeBuffer()
  }

  /// Has OpenBLAS take its buffer now, while there is room: later ones get the same. A product of this size is none of
  /// those that it does without.
  private func takeBuffer() {
    let side = 160
    let numbers = [Float](repeating: 0, count: side * side)
    var result = numbers
    multiply(
      side, side, side, numbers, transposeA: false, numbers, transposeB: false, into: &result, alpha: 1,
      beta: 0)
  }

  private static var names: [String] {
    #if canImport(Darwin)
      ["libopenblas.dylib", "libopenblas.0.dylib"]
    #else
      ["libopenblas.so.0", "libopenblas.so"]
    #endif
  }

  /// Runs `body` with these variables in the environment, and leaves it as it was.
  private static func withVariables<Value>(
    _ variables: [(name: String, value: String?)], _ body: () -> Value
  ) -> Value {
    let old = variables.map { getenv($0.name).map { String(cString: $0) } }
    for case (let name, let value?) in variables { setenv(name, value, 1) }
    defer {
      for (variable, old) in zip(variables, old) where variable.value != nil {
        if let old { setenv(variable.name, old, 1) } else { unsetenv(variable.name) }
      }
    }
    return body()
  }

  /// `gemm`, by `cblas_sgemm`, to the bits of its kernels.
  package func multiply(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, transposeA: Bool,
    _ b: UnsafePointer<Float>, transposeB: Bool, into c: UnsafeMutablePointer<Float>, alpha: Float,
    beta: Float
  ) {
    sgemm(
      Self.rowMajor, transposeA ? Self.transposed : Self.asIs, transposeB ? Self.transposed : Self.asIs,
      Int32(m),
      Int32(n), Int32(k), alpha, a, Int32(transposeA ? m : k), b, Int32(transposeB ? k : n), beta, c, Int32(n)
    )
  }
}
