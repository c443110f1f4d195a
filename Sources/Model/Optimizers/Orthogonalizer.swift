internal import Tensors

/// Moves a matrix's singular values near 1 by a quintic Newton–Schulz iteration (Jordan et al. 2024):
/// X ← (a·I + b·A + c·A²)·X with A = X·Xᵀ, after division by the Frobenius norm.
///
/// Every factor B = a·I + b·A + c·A² is a polynomial of the first A, so all commute, and the iteration can run
/// on the small Gram matrix alone: A ← B·A·B, P ← P·B; in the end X = P·X₀. The Gram matrix is taken on the
/// shorter side. For the 288×64 matrix of recipe `quick` that is half the arithmetic.
package final class Orthogonalizer {
  private static let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)

  private let rows: Int
  private let columns: Int
  private let side: Int
  private let iterations: Int
  /// [side, side] each: A, B, P and what a product needs beside its operands.
  private let gram: FloatBuffer
  private let factor: FloatBuffer
  private let product: FloatBuffer
  private let scratch: FloatBuffer
  /// [rows, columns].
  private let result: FloatBuffer
  /// The rows, in blocks whose products stay below `Products.smallProduct`.
  private let blocks: [Range<Int>]

  package init(rows: Int, columns: Int, iterations: Int) {
    precondition(iterations > 0, "an iteration of no steps")
    self.rows = rows
    self.columns = columns
    self.iterations = iterations
    side = min(rows, columns)
    gram = FloatBuffer(count: side * side)
    factor = FloatBuffer(count: side * side)
    product = FloatBuffer(count: side * side)
    scratch = FloatBuffer(count: side * side)
    result = FloatBuffer(count: rows * columns)
    let blockCount = rows * side * side / Products.smallProduct + 1
    blocks = (0..<blockCount).map { rows * $0 / blockCount..<rows * ($0 + 1) / blockCount }
  }

  /// Orthogonalises a matrix, [rows, columns], in place.
  package func orthogonalize(_ values: inout MutableSpan<Float>) {
    let count = rows * columns
    precondition(values.count >= count, "\(values.count) elements for \(rows) × \(columns)")
    let norm = Float(sumOfSquares(values.span.extracting(first: count)).squareRoot())
    let matrix = values.start
    let scale = 1 / (norm + 1e-7)
    for i in 0..<count {
      matrix[i] *= scale
    }
    let isTall = rows > columns
    if isTall {
      for block in blocks {
        let part = matrix + block.lowerBound * columns
        gemm(
          side, side, block.count, part, transposeA: true, part, into: gram.pointer,
          beta: block.lowerBound == 0 ? 0 : 1)
      }
    } else {
      gemm(side, side, columns, matrix, matrix, transposeB: true, into: gram.pointer)
    }
    for iteration in 0..<iterations {
      computeFactor()
      if iteration == 0 {
        product.copy(from: factor)
      } else {
        multiply(product, factor, into: scratch)
        product.copy(from: scratch)
      }
      if iteration + 1 < iterations {
        multiply(gram, factor, into: scratch)
        multiply(scratch, factor, into: gram)
      }
    }
    if isTall {
      for block in blocks {
        gemm(
          block.count, columns, side, matrix + block.lowerBound * columns, product.pointer,
          into: result.pointer + block.lowerBound * columns)
      }
    } else {
      gemm(rows, columns, side, product.pointer, matrix, into: result.pointer)
    }
    matrix.update(from: result.pointer, count: count)
  }

  /// B = a·I + b·A + c·A².
  private func computeFactor() {
    factor.copy(from: gram)
    gemm(
      side, side, side, gram.pointer, gram.pointer, into: factor.pointer, alpha: Self.c, beta: Self.b)
    for i in 0..<side {
      factor.pointer[i * side + i] += Self.a
    }
  }

  private func multiply(_ x: FloatBuffer, _ y: FloatBuffer, into target: FloatBuffer) {
    gemm(side, side, side, x.pointer, y.pointer, into: target.pointer)
  }
}
