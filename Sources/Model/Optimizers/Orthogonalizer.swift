internal import Tensors

/// Moves a matrix's singular values near 1 by a quintic Newton–Schulz iteration (Jordan et al. 2024):
/// X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, after division by the Frobenius norm.
///
/// The Gram matrix is taken on the shorter side.
package final class Orthogonalizer {
  private static let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)

  private let rows: Int
  private let columns: Int
  private let iterations: Int
  private let gram: FloatBuffer
  private let polynomial: FloatBuffer
  private let next: FloatBuffer

  package init(rows: Int, columns: Int, iterations: Int) {
    self.rows = rows
    self.columns = columns
    self.iterations = iterations
    let side = min(rows, columns)
    gram = FloatBuffer(count: side * side)
    polynomial = FloatBuffer(count: side * side)
    next = FloatBuffer(count: rows * columns)
  }

  /// Orthogonalises `matrix`, [rows, columns], in place.
  package func orthogonalize(_ matrix: UnsafeMutablePointer<Float>) {
    let count = rows * columns
    let norm = Float(sumOfSquares(matrix, count: count).squareRoot())
    let scale = 1 / (norm + 1e-7)
    for i in 0..<count {
      matrix[i] *= scale
    }
    let side = min(rows, columns)
    let isTall = rows > columns
    for _ in 0..<iterations {
      if isTall {
        gemm(side, side, rows, matrix, transposeA: true, matrix, into: gram.pointer)
      } else {
        gemm(side, side, columns, matrix, matrix, transposeB: true, into: gram.pointer)
      }
      polynomial.copy(from: gram)
      gemm(
        side, side, side, gram.pointer, gram.pointer, into: polynomial.pointer, alpha: Self.c, beta: Self.b)
      next.pointer.update(from: matrix, count: count)
      if isTall {
        gemm(rows, columns, side, matrix, polynomial.pointer, into: next.pointer, beta: Self.a)
      } else {
        gemm(rows, columns, side, polynomial.pointer, matrix, into: next.pointer, beta: Self.a)
      }
      matrix.update(from: next.pointer, count: count)
    }
  }
}
