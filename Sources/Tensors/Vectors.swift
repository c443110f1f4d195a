public import CVectors

/// Eight floats: the width that the kernels work in, one AVX register.
@usableFromInline package typealias Vector = SIMD8<Float>

extension UnsafePointer<Float> {
  /// The eight elements from `offset` on; no alignment is needed.
  @inlinable @inline(__always)
  package func vector(at offset: Int) -> Vector {
    UnsafeRawPointer(self + offset).loadUnaligned(as: Vector.self)
  }
}

extension UnsafeMutablePointer<Float> {
  /// The eight elements from `offset` on; no alignment is needed.
  @inlinable @inline(__always)
  package func vector(at offset: Int) -> Vector {
    UnsafeRawPointer(self + offset).loadUnaligned(as: Vector.self)
  }

  /// Overwrites the eight elements from `offset` on.
  @inlinable @inline(__always)
  package func store(_ value: Vector, at offset: Int) {
    UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Vector.self)
  }
}

/// √x, lane by lane, in vector instructions.
@inlinable @inline(__always)
package func squareRoots(_ x: Vector) -> Vector {
  cvectors_square_roots(x)
}

/// y ← y + x.
@inlinable @inline(__always)
package func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
  add(y, x, into: y, count: count)
}

/// target ← a + b, element by element; `target` may be `a`.
@inlinable @inline(__always)
package func add(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, count: Int
) {
  var i = 0
  while i + 8 <= count {
    target.store(a.vector(at: i) + b.vector(at: i), at: i)
    i += 8
  }
  while i < count {
    target[i] = a[i] + b[i]
    i += 1
  }
}

/// Copies `count` elements in steps of eight: up to seven elements behind the run are read and overwritten too.
///
/// Much quicker than `memcpy` for the short runs of im2col, as long as the caller writes ascending runs and
/// leaves seven elements of slack behind the last one.
@inlinable @inline(__always)
package func copyRun(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  repeat {
    target.store(source.vector(at: i), at: i)
    i += 8
  } while i < count
}

/// Σ x² in a fixed order (eight lanes, then the lanes in pairs, then the tail), in `Double`.
package func sumOfSquares(_ values: Span<Float>) -> Double {
  let (x, count) = (values.start, values.count)
  var lanes = SIMD8<Double>.zero
  var i = 0
  while i + 8 <= count {
    let wide = SIMD8<Double>(x.vector(at: i))
    lanes += wide * wide
    i += 8
  }
  let four = lanes.lowHalf + lanes.highHalf
  let two = four.lowHalf + four.highHalf
  var sum = two[0] + two[1]
  while i < count {
    sum += Double(x[i]) * Double(x[i])
    i += 1
  }
  return sum
}

/// target [columns, rows] ← the transpose of source [rows, columns], in blocks of eight by eight in registers.
package func transpose(
  _ source: UnsafePointer<Float>, rows: Int, columns: Int, into target: UnsafeMutablePointer<Float>
) {
  let (wholeRows, wholeColumns) = (rows & ~7, columns & ~7)
  for top in stride(from: 0, to: wholeRows, by: 8) {
    for left in stride(from: 0, to: wholeColumns, by: 8) {
      cvectors_transpose_8x8(
        source + (top &* columns &+ left), columns, target + (left &* rows &+ top), rows)
    }
  }
  for row in 0..<rows {
    for column in (row < wholeRows ? wholeColumns : 0)..<columns {
      target[column &* rows &+ row] = source[row &* columns &+ column]
    }
  }
}
