/// What decides which code computes a product.
package struct ProductShape: Hashable {
  var m: Int
  var n: Int
  var k: Int
  var transposeA: Bool
  var transposeB: Bool
  /// Whether C is overwritten, β = 0, and not added to.
  var overwrites: Bool

  package init(m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, overwrites: Bool) {
    (self.m, self.n, self.k) = (m, n, k)
    (self.transposeA, self.transposeB, self.overwrites) = (transposeA, transposeB, overwrites)
  }

  var multiplyAdds: Int { m * n * k }

  /// The shape in 63 bits, never zero; nil if it is too large for that.
  package var key: UInt64? {
    let limit = 1 << 20
    guard m > 0, n > 0, k > 0, m < limit, n < limit, k < limit else { return nil }
    return UInt64(m) | UInt64(n) << 20 | UInt64(k) << 40 | (transposeA ? 1 << 60 : 0)
      | (transposeB ? 1 << 61 : 0)
      | (overwrites ? 1 << 62 : 0)
  }
}
