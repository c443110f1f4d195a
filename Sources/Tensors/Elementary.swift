// Elementary functions of our own: the C library picks its versions by processor, so their last bits may
// differ between the nodes of a cluster. These use only correctly rounded operations.

/// The natural logarithm of a positive, finite number, to within some 2 units in the last place.
///
/// x = m · 2ᵉ with m in [√½, √2); log m = 2 artanh(s) with s = (m − 1)/(m + 1), by its series.
package func naturalLogarithm(_ x: Double) -> Double {
  var significand = x.significand
  var exponent = Double(x.exponent)
  if significand > 2.0.squareRoot() {
    significand /= 2
    exponent += 1
  }
  let s = (significand - 1) / (significand + 1)
  let s2 = s * s
  var series = 1.0 / 21
  for k in stride(from: 19, through: 1, by: -2) {
    series = 1 / Double(k) + s2 * series
  }
  return exponent * 0.693147180559945309417 + 2 * s * series
}

/// exp(x) for x ≤ 88, to within some 2 units in the last place; 0 below −87.
///
/// x = n · log 2 + r with |r| ≤ ½ log 2; a polynomial of degree 6 for exp(r); then 2ⁿ by its bit pattern
/// (the scheme of Cephes' `expf`, Moshier 1989).
@inlinable
package func exponential(_ x: Float) -> Float {
  guard x >= -87 else { return 0 }
  let n = (x * 1.44269504088896341).rounded(.toNearestOrEven)
  var r = x.addingProduct(n, -0.693359375)
  r = r.addingProduct(n, 2.12194440e-4)
  var p: Float = 1.9875691500e-4
  p = Float(1.3981999507e-3).addingProduct(p, r)
  p = Float(8.3334519073e-3).addingProduct(p, r)
  p = Float(4.1665795894e-2).addingProduct(p, r)
  p = Float(1.6666665459e-1).addingProduct(p, r)
  p = Float(5.0000001201e-1).addingProduct(p, r)
  let value = (1 + r).addingProduct(p, r * r)
  return value * Float(bitPattern: UInt32(Int32(n) + 127) << 23)
}

/// sin(x) and cos(x) of an angle from −π to π, to within some 10⁻¹⁵, by their Taylor series.
package func sineAndCosine(_ x: Double) -> (sine: Double, cosine: Double) {
  let square = x * x
  var (sine, cosine) = (1.0, 1.0)
  for k in stride(from: 28, through: 2, by: -2) {
    sine = 1 - square / Double(k * (k + 1)) * sine
    cosine = 1 - square / Double(k * (k - 1)) * cosine
  }
  return (x * sine, cosine)
}

/// exp(x) for x from −700 to 700, to within some 2 units in the last place: x = n · log 2 + r with |r| ≤ ½ log 2, its Taylor
/// series for exp(r), then 2ⁿ.
package func exponential(double x: Double) -> Double {
  let n = (x * 1.4426950408889634).rounded(.toNearestOrEven)
  // log 2 in two parts, so that the first product is exact (Cody, Waite 1980).
  let r = x.addingProduct(n, -0x1.62e42feep-1).addingProduct(n, -0x1.a39ef35793c76p-33)
  var series = 1.0
  for k in stride(from: 20, through: 1, by: -1) { series = 1 + r / Double(k) * series }
  return series * Double(sign: .plus, exponent: Int(n), significand: 1)
}
