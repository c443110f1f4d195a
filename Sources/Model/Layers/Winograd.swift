internal import Tensors

/// The linear maps of Winograd's minimal filtering F(4×4, 3×3) with the points 0, ±1, ±2, ∞ (Lavin, Gray 2016,
/// §4.2–4.3), in one dimension and on eight channels at once.
///
/// With a 3×3 kernel g and a 6×6 tile d of the input, the 4×4 outputs are Y = Aᵀ[(G g Gᵀ) ∘ (Bᵀ d B)]A. The
/// backward pass uses the adjoint of each map.
enum Winograd {
  /// Outputs of a tile along one side.
  static let outputSide = 4
  /// Weights along one side.
  static let kernelSide = 3
  /// Inputs along one side that neighbouring tiles share.
  static let overlap = 2
  /// Inputs of a tile along one side; also the number of products along one side.
  static let side = 6

  /// Bᵀ: six inputs to six.
  @inline(__always)
  static func transformInput(_ d: Six) -> Six {
    let (a, b) = (d.4 - 4 * d.2, d.3 - 4 * d.1)
    let (c, e) = (d.4 - d.2, 2 * (d.3 - d.1))
    return (4 * d.0 - 5 * d.2 + d.4, a + b, a - b, c + e, c - e, 4 * d.1 - 5 * d.3 + d.5)
  }

  /// B, the adjoint of `transformInput`.
  @inline(__always)
  static func adjointInput(_ t: Six) -> Six {
    let (p, q) = (t.1 + t.2, t.1 - t.2)
    let (r, s) = (t.3 + t.4, t.3 - t.4)
    return (
      4 * t.0, 4 * (t.5 - q) - 2 * s, -5 * t.0 - 4 * p - r, q + 2 * s - 5 * t.5, t.0 + p + r, t.5
    )
  }

  /// Aᵀ: six products to four outputs.
  @inline(__always)
  static func transformOutput(_ m: Six) -> Four {
    let (p, q) = (m.1 + m.2, m.1 - m.2)
    let (r, s) = (m.3 + m.4, m.3 - m.4)
    return (m.0 + p + r, q + 2 * s, p + 4 * r, q + 8 * s + m.5)
  }

  /// A, the adjoint of `transformOutput`.
  @inline(__always)
  static func adjointOutput(_ y: Four) -> Six {
    let (even, odd) = (y.0 + y.2, y.1 + y.3)
    let (far, farOdd) = (y.0 + 4 * y.2, 2 * y.1 + 8 * y.3)
    return (y.0, even + odd, even - odd, far + farOdd, far - farOdd, y.3)
  }

  /// G: three weights to six.
  @inline(__always)
  static func transformWeights(_ g: Three) -> Six {
    let (outer, near) = ((g.0 + g.2) * (-1 / 6), g.1 * (-1 / 6))
    let (far, farOdd) = (g.0 * (1 / 24) + g.2 * (1 / 6), g.1 * (1 / 12))
    return (g.0 * 0.25, outer + near, outer - near, far + farOdd, far - farOdd, g.2)
  }

  /// Gᵀ, the adjoint of `transformWeights`.
  @inline(__always)
  static func adjointWeights(_ u: Six) -> Three {
    let (p, q) = ((u.1 + u.2) * (-1 / 6), (u.1 - u.2) * (-1 / 6))
    let (r, s) = (u.3 + u.4, u.3 - u.4)
    return (u.0 * 0.25 + p + r * (1 / 24), q + s * (1 / 12), p + r * (1 / 6) + u.5)
  }

  typealias Three = (Vector, Vector, Vector)
  typealias Four = (Vector, Vector, Vector, Vector)
  typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
}

extension UnsafePointer<Float> {
  /// Six vectors, `stride` floats apart.
  @inline(__always)
  func six(stride: Int) -> Winograd.Six {
    (
      vector(at: 0), vector(at: stride), vector(at: 2 * stride), vector(at: 3 * stride),
      vector(at: 4 * stride), vector(at: 5 * stride)
    )
  }

  /// Three vectors, `stride` floats apart.
  @inline(__always)
  func three(stride: Int) -> Winograd.Three {
    (vector(at: 0), vector(at: stride), vector(at: 2 * stride))
  }
}

extension UnsafeMutablePointer<Float> {
  /// Six vectors, `stride` floats apart.
  @inline(__always)
  func six(stride: Int) -> Winograd.Six {
    UnsafePointer(self).six(stride: stride)
  }

  /// Overwrites six vectors, `stride` floats apart.
  @inline(__always)
  func store(_ v: Winograd.Six, stride: Int) {
    store(v.0, at: 0)
    store(v.1, at: stride)
    store(v.2, at: 2 * stride)
    store(v.3, at: 3 * stride)
    store(v.4, at: 4 * stride)
    store(v.5, at: 5 * stride)
  }

  /// Adds to six vectors, `stride` floats apart.
  @inline(__always)
  func add(_ v: Winograd.Six, stride: Int) {
    let old = six(stride: stride)
    store((old.0 + v.0, old.1 + v.1, old.2 + v.2, old.3 + v.3, old.4 + v.4, old.5 + v.5), stride: stride)
  }

  /// Adds to the first two of six vectors, `stride` floats apart, and overwrites the others.
  @inline(__always)
  func addTwoStoreFour(_ v: Winograd.Six, stride: Int) {
    store((vector(at: 0) + v.0, vector(at: stride) + v.1, v.2, v.3, v.4, v.5), stride: stride)
  }

  /// Overwrites four vectors, `stride` floats apart.
  @inline(__always)
  func store(_ v: Winograd.Four, stride: Int) {
    store(v.0, at: 0)
    store(v.1, at: stride)
    store(v.2, at: 2 * stride)
    store(v.3, at: 3 * stride)
  }

  /// Overwrites three vectors, `stride` floats apart.
  @inline(__always)
  func store(_ v: Winograd.Three, stride: Int) {
    store(v.0, at: 0)
    store(v.1, at: stride)
    store(v.2, at: 2 * stride)
  }
}
