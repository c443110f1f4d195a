internal import Tensors

/// Moves a matrix's singular values near 1 by a quintic Newton–Schulz iteration (Jordan et al. 2024):
/// X ← (a·I + b·A + c·A²)·X with A = X·Xᵀ, after division by the Frobenius norm.
///
/// Every factor B = a·I + b·A + c·A² is a polynomial of the first A, so all commute, and the iteration can run
/// on the small Gram matrix alone: A ← B·A·B, P ← P·B; in the end X = P·X₀. The Gram matrix is taken on the
/// shorter side. For the 288×64 matrix of recipe `quick` that is half the arithmetic.
///
/// The members of a team do it together: each computes some rows of every product, which have the same bits in whatever
/// company they are computed, as `gemm` is defined.
package final class Orthogonalizer {
  private static let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)

  private let rows: Int
  private let columns: Int
  private let side: Int
  private let iterations: Int
  private let isTall: Bool
  /// The rows of the small matrices, and the rows of the matrix itself, that this member computes.
  private let sideRows: Range<Int>
  private let ownRows: Range<Int>

  /// [side, side] each, in common: A, B and P. Every member writes its rows.
  private let gram: FloatBuffer
  private let factor: FloatBuffer
  private let product: FloatBuffer
  /// What a product needs beside its operands, this member's rows.
  private let scratch: FloatBuffer
  /// The matrix after division by its norm, [rows, columns]; each member's own copy.
  private let matrix: FloatBuffer
  /// The columns of it that belong to `sideRows`, [rows, sideRows.count]: what a tall matrix's Gram matrix is made of.
  private let panel: FloatBuffer
  /// The member's rows of the result, [ownRows.count, columns].
  private let result: FloatBuffer
  /// The rows, in blocks whose products stay below `Products.smallProduct`.
  private let blocks: [Range<Int>]

  package init(rows: Int, columns: Int, iterations: Int, team: any Team = LoneTeam()) {
    precondition(iterations > 0, "an iteration of no steps")
    self.rows = rows
    self.columns = columns
    self.iterations = iterations
    side = min(rows, columns)
    isTall = rows > columns
    let isDivided = Self.divides(team)
    func part(_ count: Int) -> Range<Int> {
      isDivided ? team.part(of: 0..<count, unit: 4) : team.index == 0 ? 0..<count : 0..<0
    }
    sideRows = part(side)
    ownRows = isTall ? part(rows) : sideRows
    gram = team.makeBuffer(count: side * side)
    factor = team.makeBuffer(count: side * side)
    product = team.makeBuffer(count: side * side)
    scratch = FloatBuffer(count: sideRows.count * side)
    matrix = FloatBuffer(count: rows * columns)
    panel = FloatBuffer(count: isTall && sideRows.count < side ? rows * sideRows.count : 0)
    result = FloatBuffer(count: ownRows.count * columns)
    let blockCount = rows * side * side / Products.smallProduct + 1
    blocks = (0..<blockCount).map { rows * $0 / blockCount..<rows * ($0 + 1) / blockCount }
  }

  /// Whether members divide the products. Where these are not as defined their rows may depend on their company, and where
  /// members take turns on a core they would spend more on meetings than they save: the first member does all.
  static func divides(_ team: any Team) -> Bool {
    !team.isCrowded && Products.shared.identity == Products.definedIdentity
  }

  /// The rows of the result that this member computes.
  package var rowsOfResult: Range<Int> { ownRows }

  /// The phases of an orthogonalisation. After each, a team that divides the work meets in a barrier.
  var phaseCount: Int { 1 + 2 * iterations }

  /// Takes one phase of the orthogonalisation of `values`, [rows, columns], which all members see and nobody changes.
  func run(phase: Int, of values: Span<Float>) {
    guard phase > 0 else { return computeGram(of: values) }
    let iteration = (phase - 1) / 2
    guard (phase - 1) % 2 == 1 else { return computeFactor() }
    guard !sideRows.isEmpty else { return }
    let row = sideRows.lowerBound * side
    if iteration == 0 {
      (product.pointer + row).update(from: factor.pointer + row, count: sideRows.count * side)
    } else {
      multiply(product, factor, into: scratch.pointer)
      (product.pointer + row).update(from: scratch.pointer, count: sideRows.count * side)
    }
    if iteration + 1 < iterations {
      multiply(gram, factor, into: scratch.pointer)
      gemm(sideRows.count, side, side, scratch.pointer, factor.pointer, into: gram.pointer + row)
    }
  }

  /// After all phases: this member's rows of the result, [rowsOfResult.count, columns].
  func finish() -> Span<Float> {
    let result = result
    if isTall {
      for block in blocks {
        let part = block.clamped(to: ownRows)
        guard !part.isEmpty else { continue }
        gemm(
          part.count, columns, side, matrix.pointer + part.lowerBound * columns, product.pointer,
          into: result.pointer + (part.lowerBound - ownRows.lowerBound) * columns)
      }
    } else if !ownRows.isEmpty {
      gemm(
        ownRows.count, columns, side, product.pointer + ownRows.lowerBound * side, matrix.pointer,
        into: result.pointer)
    }
    return _overrideLifetime(result.span, borrowing: self)
  }

  /// Orthogonalises a matrix, [rows, columns], in place, by a team of one.
  package func orthogonalize(_ values: inout MutableSpan<Float>) {
    precondition(ownRows.count == rows, "one of several members")
    let count = rows * columns
    for phase in 0..<phaseCount { run(phase: phase, of: values.span) }
    values.start.update(from: finish().start, count: count)
  }

  private func computeGram(of values: Span<Float>) {
    let count = rows * columns
    precondition(values.count >= count, "\(values.count) elements for \(rows) × \(columns)")
    let norm = Float(sumOfSquares(values.extracting(first: count)).squareRoot())
    let scale = 1 / (norm + 1e-7)
    let source = values.start
    for i in 0..<count { matrix.pointer[i] = source[i] * scale }
    guard !sideRows.isEmpty else { return }
    let target = gram.pointer + sideRows.lowerBound * side
    guard isTall else {
      gemm(
        sideRows.count, side, columns, matrix.pointer + sideRows.lowerBound * columns, matrix.pointer,
        transposeB: true, into: target)
      return
    }
    var left = matrix.pointer
    if panel.count > 0 {
      left = panel.pointer
      for row in 0..<rows {
        (left + row * sideRows.count).update(
          from: matrix.pointer + row * columns + sideRows.lowerBound, count: sideRows.count)
      }
    }
    for block in blocks {
      gemm(
        sideRows.count, side, block.count, left + block.lowerBound * sideRows.count, transposeA: true,
        matrix.pointer + block.lowerBound * columns, into: target, beta: block.lowerBound == 0 ? 0 : 1)
    }
  }

  /// B = a·I + b·A + c·A².
  private func computeFactor() {
    guard !sideRows.isEmpty else { return }
    let row = sideRows.lowerBound * side
    (factor.pointer + row).update(from: gram.pointer + row, count: sideRows.count * side)
    gemm(
      sideRows.count, side, side, gram.pointer + row, gram.pointer, into: factor.pointer + row, alpha: Self.c,
      beta: Self.b)
    for i in sideRows { factor.pointer[i * side + i] += Self.a }
  }

  /// This member's rows of x · y.
  private func multiply(_ x: FloatBuffer, _ y: FloatBuffer, into target: UnsafeMutablePointer<Float>) {
    gemm(sideRows.count, side, side, x.pointer + sideRows.lowerBound * side, y.pointer, into: target)
  }
}
