import Foundation
import Tensors
import Testing

/// The definition of `gemm`, term by term: what every code that computes products must give, to the bit.
private func defined(_ shape: Shape, _ a: [Float], _ b: [Float], _ c: [Float]) -> [Float] {
  var result = c
  for i in 0..<shape.m {
    for j in 0..<shape.n {
      var sum: Float = 0
      for l in 0..<shape.k {
        sum = sum.addingProduct(
          shape.transposeA ? a[l * shape.m + i] : a[i * shape.k + l],
          shape.transposeB ? b[j * shape.k + l] : b[l * shape.n + j])
      }
      let scaled = shape.alpha * sum
      let place = i * shape.n + j
      result[place] = shape.beta == 0 ? scaled : scaled.addingProduct(shape.beta, c[place])
    }
  }
  return result
}

private struct Shape: CustomStringConvertible {
  var m = 1
  var n = 1
  var k = 1
  var transposeA = false
  var transposeB = false
  var alpha: Float = 1
  var beta: Float = 0

  var description: String {
    "\(m)×\(n)×\(k)\(transposeA ? " Aᵀ" : "")\(transposeB ? " Bᵀ" : "") α=\(alpha) β=\(beta)"
  }
}

/// Random shapes, matrices and scales; the same in every run.
private struct Draw {
  private let generator: CounterGenerator
  private var next: UInt64 = 0

  init(_ number: Int) {
    generator = CounterGenerator(seed: 7, for: .test, UInt64(number))
  }

  mutating func below(_ bound: Int) -> Int {
    defer { next += 1 }
    return generator.below(bound, at: next)
  }

  /// From −1 to 1, a tenth of them zeros of either sign, which have bits of their own.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      let value = Float(2 * generator.uniform(at: next) - 1)
      next += 1
      return value.magnitude < 0.1 ? (value < 0 ? -0.0 : 0) : value
    }
  }

  /// As in wide dense layers: a long sum with many rows and columns, many rows with a short sum, or a second operand that is
  /// transposed and much larger than the first.
  mutating func wideShape() -> Shape {
    var shape = Shape()
    shape.transposeA = below(2) == 0
    switch below(3) {
    case 0:
      (shape.m, shape.n) = (13 + below(84), 33 + below(224))
      shape.k = 65_537 / shape.n + below(200)
    case 1:
      (shape.m, shape.n) = (25 + below(300), 9 + below(248))
      shape.k = 1 + below(min(8192 / shape.n, 128))
    default:
      shape.transposeB = true
      (shape.m, shape.n) = ([4, 7, 8, 13, 16, 25, 31, 32][below(8)], 96 + below(300))
      shape.k = shape.m + below(256)
    }
    (shape.alpha, shape.beta) = [(1, 0), (0.3, 0), (2.0315, -4.775)][below(3)]
    return shape
  }

  /// Mostly small; now and then long in one direction, where a product goes through in parts.
  mutating func shape() -> Shape {
    var shape = Shape()
    shape.m = 1 + below(below(6) == 0 ? 220 : 40)
    shape.n = 1 + below(below(6) == 0 ? 400 : 70)
    shape.k = 1 + below(below(8) == 0 ? 1300 : 60)
    (shape.transposeA, shape.transposeB) = (below(2) == 0, below(3) == 0)
    (shape.alpha, shape.beta) = [(1, 0), (1, 0), (1, 1), (2.0315, -4.775), (0.3, 0)][below(5)]
    return shape
  }
}

@Suite struct GemmTests {
  private typealias Multiply = (
    _ shape: Shape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) -> Void

  /// The first shape for which `multiply` gives other bits than the definition, or writes beyond C.
  private func fault(
    _ shapes: Int, from first: Int = 0, areWide: Bool = false, _ multiply: Multiply
  ) -> String? {
    for number in first..<first + shapes {
      var draw = Draw(number)
      let shape = areWide ? draw.wideShape() : draw.shape()
      let (a, b) = (draw.floats(shape.m * shape.k), draw.floats(shape.k * shape.n))
      // Where C is overwritten, what it held must not matter.
      let c =
        shape.beta == 0 ? [Float](repeating: .nan, count: shape.m * shape.n) : draw.floats(shape.m * shape.n)
      let guards: [Float] = [-1, 2, -3]
      var result = c + guards
      multiply(shape, a, b, &result)
      let expected = defined(shape, a, b, c) + guards
      guard zip(result, expected).allSatisfy({ $0.bitPattern == $1.bitPattern }) else {
        return "\(number): \(shape)"
      }
    }
    return nil
  }

  /// Every width that this processor has; the portable one, 4 lanes, is on all of them.
  @Test(arguments: [4, 8, 16].filter { $0 <= OwnProducts.widest })
  func ownProductsAreTheDefinition(_ lanes: Int) throws {
    let own = try #require(OwnProducts(lanes: lanes))
    #expect(
      fault(1500) { shape, a, b, c in
        own.multiply(
          shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
          into: c,
          alpha: shape.alpha, beta: shape.beta)
      } == nil)
  }

  /// Products of wide layers take ways of their own.
  @Test(arguments: [4, 8, 16].filter { $0 <= OwnProducts.widest })
  func wideProductsAreTheDefinition(_ lanes: Int) throws {
    let own = try #require(OwnProducts(lanes: lanes))
    #expect(
      fault(90, from: 20_000, areWide: true) { shape, a, b, c in
        own.multiply(
          shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
          into: c, alpha: shape.alpha, beta: shape.beta)
      } == nil)
  }

  /// Matrices of any shape, with and without whole blocks of eight by eight.
  @Test(arguments: [(8, 8), (16, 40), (7, 9), (1, 20), (23, 17)])
  func transposesAreTransposes(_ rows: Int, _ columns: Int) {
    let source = (0..<rows * columns).map(Float.init)
    var target = [Float](repeating: -1, count: rows * columns)
    transpose(source, rows: rows, columns: columns, into: &target)
    for row in 0..<rows {
      for column in 0..<columns { #expect(target[column * rows + row] == source[row * columns + column]) }
    }
  }

  /// Whoever computes them: with OpenBLAS's kernels in use, some shapes are its, some are not.
  @Test func productsAreTheDefinition() throws {
    let products = try Products(.auto)
    #expect(
      fault(1500, from: 1500) { shape, a, b, c in
        products.multiply(
          shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
          into: c,
          alpha: shape.alpha, beta: shape.beta)
      } == nil)
  }

  /// The sum over k is never cut, however large the product: then its order would be another.
  @Test func largeProductsAreTheDefinition() throws {
    let products = try Products(.auto)
    for (number, shape) in [
      Shape(m: 8, n: 128, k: 9216), Shape(m: 130, n: 300, k: 700, transposeA: true, beta: 1),
      Shape(m: 8, n: 3000, k: 128, transposeB: true),
      Shape(m: 200, n: 90, k: 1100, transposeB: true, beta: -0.5),
    ].enumerated() {
      var draw = Draw(10_000 + number)
      let (a, b) = (draw.floats(shape.m * shape.k), draw.floats(shape.k * shape.n))
      let c = draw.floats(shape.m * shape.n)
      var result = c
      products.multiply(
        shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
        into: &result,
        alpha: shape.alpha, beta: shape.beta)
      let isSame = zip(result, defined(shape, a, b, c)).allSatisfy { $0.bitPattern == $1.bitPattern }
      #expect(isSame, "\(shape)")
    }
  }

  /// Numbers that are none, and infinite ones, go where the definition says.
  @Test func infinitiesAndNaNsPropagate() throws {
    let a: [Float] = [.infinity, 1, 0, .nan, -.infinity, 2]
    let b: [Float] = [1, 0, 1, 1]
    for lanes in [4, 8, 16].filter({ $0 <= OwnProducts.widest }) {
      var c = [Float](repeating: 0, count: 6)
      let own = try #require(OwnProducts(lanes: lanes))
      own.multiply(3, 2, 2, a, transposeA: false, b, transposeB: false, into: &c, alpha: 1, beta: 0)
      #expect(c[0] == .infinity && c[1].isNaN)
      #expect(c[2].isNaN && c[3].isNaN && c[4] == -.infinity && c[5].isNaN)
    }
  }

  /// Ranks in one process meet new shapes at the same time.
  @Test func threadsShareWhatIsFound() async throws {
    let products = try Products(.auto)
    let faults = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<8 {
        group.addTask {
          fault(60, from: 4000) { shape, a, b, c in
            products.multiply(
              shape.m, shape.n, shape.k, a, transposeA: shape.transposeA, b, transposeB: shape.transposeB,
              into: c,
              alpha: shape.alpha, beta: shape.beta)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(faults.compactMap { $0 } == [])
  }

  @Test func whatAProcessorLacksIsRefusedInOneSentence() throws {
    for lanes in [0, 3, 7, 32] {
      #expect(OwnProducts(lanes: lanes) == nil)
      let error = try #require(throws: ProductsError.self) { try Products(.own, lanes: lanes) }
      #expect(
        error.exitCode == 64 && error.description.contains("vectors of \(lanes) floats: expected 4, 8 or 16"))
    }
  }
}
