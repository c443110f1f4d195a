internal import Files
internal import Synchronization

/// Who computes matrix products (`--products`).
package enum ProductChoice: String, Sendable, CaseIterable, Codable {
  /// The bits of `gemm`'s definition, by OpenBLAS where it gives them and is no slower, else by Lockstep's own code.
  case auto
  /// OpenBLAS's own bits, which depend on its version and kernels: for comparison.
  case openblas
  /// The bits of the definition, by Lockstep's own code alone.
  case own
}

/// Why products cannot be done as asked.
package struct ProductsError: ReportedError, Hashable, Sendable {
  /// One sentence.
  package let description: String
  /// 64 wrong usage, 69 something is missing on this machine.
  package let exitCode: Int32
}

/// Computes all matrix products of a process, by the definition of `gemm`.
///
/// Which code computes a product of a shape is found when it first occurs (`ProductTrial`): OpenBLAS if it has been
/// shown to give the same bits and is no slower, else Lockstep's own. So a processor, a version of OpenBLAS or a shape
/// that nobody has seen before changes the time and never the result.
package final class Products: Sendable {
  /// Multiply-adds up to which OpenBLAS has kernels that leave their operands where they are, and sums in one go. It
  /// also sets how many samples layers put into one product, and so is part of what defines a model.
  package static let smallProduct = 1_000_000

  package let choice: ProductChoice
  package let own: OwnProducts
  /// nil where it is not needed or not there.
  package let openBLAS: OpenBLAS?
  private let table = ProductTable()

  /// Products as chosen, on this machine.
  ///
  /// - Parameters:
  ///   - choice: who may compute.
  ///   - lanes: the floats in a vector of Lockstep's own code; nil for as many as the processor has.
  ///   - environment: the process's variables; `OPENBLAS_CORETYPE` counts for `ProductChoice.openblas`.
  /// - Throws: `ProductsError` if this machine lacks what is asked for.
  package init(_ choice: ProductChoice, lanes: Int? = nil, environment: [String: String] = [:])
    throws(ProductsError)
  {
    let widest = OwnProducts.widest
    guard widest > 0 else {
      throw ProductsError(
        description:
          "this processor has no fused multiply-add, which Lockstep's arithmetic is made of (Intel since "
          + "2013, AMD since 2012 have it)", exitCode: 69)
    }
    guard let own = OwnProducts(lanes: lanes ?? widest) else {
      throw ProductsError(
        description:
          "products in vectors of \(lanes ?? 0) floats: expected 4, 8 or 16, and no more than this "
          + "processor's \(widest)", exitCode: 64)
    }
    self.choice = choice
    self.own = own
    let quickest = Self.quickestKernel
    switch choice {
    // AVX2 kernels give other bits for most shapes, and are slower than Lockstep's own.
    case .auto: openBLAS = own.lanes == 16 ? OpenBLAS(kernel: quickest) : nil
    case .own: openBLAS = nil
    case .openblas:
      openBLAS = OpenBLAS(kernel: environment["OPENBLAS_CORETYPE"] == nil ? quickest : nil)
      guard openBLAS != nil else {
        throw ProductsError(
          description: OpenBLAS.hasRoom
            ? "--products openblas: this machine has no libopenblas.so.0: install OpenBLAS, or leave the option away"
            : "--products openblas: the limit on address space (ulimit -v) leaves OpenBLAS no room: raise it, or leave "
              + "the option away", exitCode: 69)
      }
    }
  }

  /// OpenBLAS's quickest kernels for this processor, by the name that it knows them by; nil to let it choose.
  package static var quickestKernel: String? {
    #if arch(x86_64)
      switch OwnProducts.widest {
      case 16: "SkylakeX"
      case 8: "Haswell"
      default: nil
      }
    #else
      nil
    #endif
  }

  /// What the bits of products depend on: `definedIdentity`, or OpenBLAS's version and kernels.
  package var identity: String {
    choice == .openblas ? openBLAS?.identity ?? "" : Self.definedIdentity
  }

  /// The identity of products as `gemm` defines them.
  package static let definedIdentity = "defined"

  /// Who computes, for people: `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  package var description: String {
    let ours = "own \(own.lanes) lanes"
    guard let openBLAS else { return ours }
    return choice == .openblas ? openBLAS.identity : openBLAS.identity + ", " + ours
  }

  /// `gemm`, by these products.
  package func multiply(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, transposeA: Bool = false,
    _ b: UnsafePointer<Float>, transposeB: Bool = false, into c: UnsafeMutablePointer<Float>,
    alpha: Float = 1,
    beta: Float = 0
  ) {
    if let openBLAS {
      let shape = ProductShape(
        m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, overwrites: beta == 0)
      if choice == .openblas || isByOpenBLAS(shape, openBLAS) {
        openBLAS.multiply(
          m, n, k, a, transposeA: transposeA, b, transposeB: transposeB, into: c, alpha: alpha, beta: beta)
        return
      }
    }
    own.multiply(
      m, n, k, a, transposeA: transposeA, b, transposeB: transposeB, into: c, alpha: alpha, beta: beta)
  }

  private func isByOpenBLAS(_ shape: ProductShape, _ openBLAS: OpenBLAS) -> Bool {
    guard let key = shape.key, shape.multiplyAdds <= Self.smallProduct else { return false }
    return table.isByOpenBLAS(key) {
      let trial = ProductTrial(openBLAS: openBLAS, own: own, shape: shape)
      return trial.isEqual() && trial.isQuick()
    }
  }
}

extension Products {
  private struct Settings {
    var choice = ProductChoice.auto
    var lanes: Int?
    var environment: [String: String] = [:]
  }

  private static let settings = Mutex(Settings())

  /// Takes over what the environment says: `LOCKSTEP_LANES`, the floats in a vector of Lockstep's own code, for tests;
  /// `OPENBLAS_CORETYPE`, which counts for `ProductChoice.openblas` alone. To be called before the first product.
  ///
  /// - Throws: `ProductsError` if this processor has no such vectors, or cannot do Lockstep's products at all.
  package static func configure(environment: [String: String]) throws(ProductsError) {
    var lanes: Int?
    if let text = environment["LOCKSTEP_LANES"], !text.isEmpty {
      guard let number = Int(text) else {
        throw ProductsError(description: "LOCKSTEP_LANES: expected 4, 8 or 16, found '\(text)'", exitCode: 64)
      }
      lanes = number
    }
    _ = try Products(.own, lanes: lanes)
    settings.withLock { [lanes] in ($0.lanes, $0.environment) = (lanes, environment) }
  }

  /// Says who is to do this process's products. To be called before the first one.
  ///
  /// - Throws: `ProductsError` if this machine lacks what is asked for.
  package static func choose(_ choice: ProductChoice) throws(ProductsError) {
    let now = settings.withLock { settings in
      settings.choice = choice
      return settings
    }
    if choice == .openblas { _ = try Products(choice, lanes: now.lanes, environment: now.environment) }
  }

  /// Products of another choice, with what else `configure` was told.
  ///
  /// - Throws: `ProductsError` if this machine lacks what is asked for.
  package static func make(_ choice: ProductChoice) throws(ProductsError) -> Products {
    let now = settings.withLock { $0 }
    return try Products(choice, lanes: now.lanes, environment: now.environment)
  }

  /// Who computes instead of `shared`, where two choices are compared in one process that has one training thread; whoever
  /// sets it keeps it. Unchecked and not counted, since it is asked before every product.
  @exclusivity(unchecked)
  package nonisolated(unsafe) static var substitute: Unmanaged<Products>?

  /// Who computes.
  static var current: Products {
    guard let substitute else { return shared }
    return substitute.takeUnretainedValue()
  }

  /// The products of this process, made when they are first needed.
  package static let shared: Products = {
    let now = settings.withLock { $0 }
    do throws(ProductsError) {
      return try Products(now.choice, lanes: now.lanes, environment: now.environment)
    } catch {
      preconditionFailure(error.description)
    }
  }()
}
