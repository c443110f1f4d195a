/// Random numbers as a pure function of what they are for.
///
/// The value at `index` is the output number `index` of SplitMix64 (Steele, Lea, Flood: "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014) started from a key that mixes the seed, a purpose and up to
/// three coordinates, e.g. (seed, dropout, epoch, sample, layer). There is no state: any rank can ask for any
/// number, in any order, and a resumed run needs to remember nothing.
package struct CounterGenerator: Sendable {
  /// What random numbers are used for; the raw values are part of the format of a run and never change.
  package enum Purpose: UInt64, Sendable {
    case initialWeights = 1
    case epochOrder = 2
    case shift = 3
    case dropout = 4
    case syntheticDigit = 5
    case test = 6
    case photograph = 7
    case readerSample = 8
    case augmentation = 9
    case elasticDistortion = 10
    case channelDropout = 11
    case searchTrial = 12
    case searchShift = 13
    case burnIn = 14
  }

  @usableFromInline
  let key: UInt64

  /// A generator for one purpose and place.
  package init(seed: UInt64, for purpose: Purpose, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0) {
    var key = Self.mix(seed &+ Self.gamma)
    key = Self.mix((key ^ purpose.rawValue) &+ Self.gamma)
    key = Self.mix((key ^ a) &+ Self.gamma)
    key = Self.mix((key ^ b) &+ Self.gamma)
    self.key = Self.mix((key ^ c) &+ Self.gamma)
  }

  /// 64 random bits, number `index` of this generator.
  @inlinable
  package func bits(at index: UInt64) -> UInt64 {
    Self.mix(key &+ (index &+ 1) &* Self.gamma)
  }

  /// A number in [0, 1), a multiple of 2⁻⁵³.
  @inlinable
  package func uniform(at index: UInt64) -> Double {
    Double(bits(at: index) >> 11) * 0x1p-53
  }

  /// A number in 0..<bound by multiplication (Lemire 2019, without the rejection step: the bias is below
  /// bound · 2⁻⁶⁴).
  @inlinable
  package func below(_ bound: Int, at index: UInt64) -> Int {
    Int(bits(at: index).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Standard normal numbers, two from each pair of uniform ones, by the polar method (Marsaglia, Bray 1964).
  ///
  /// The logarithm is Lockstep's own, so that the bits do not depend on the C library of the machine.
  package func fillNormal(_ values: inout MutableSpan<Float>, standardDeviation: Float) {
    var draw: UInt64 = 0
    var i = 0
    while i < values.count {
      let x = 2 * uniform(at: draw) - 1
      let y = 2 * uniform(at: draw &+ 1) - 1
      draw &+= 2
      let square = x * x + y * y
      guard square < 1, square > 0 else { continue }
      let factor = (-2 * naturalLogarithm(square) / square).squareRoot()
      values[i] = Float(x * factor) * standardDeviation
      if i + 1 < values.count {
        values[i + 1] = Float(y * factor) * standardDeviation
      }
      i += 2
    }
  }

  /// A permutation of 0..<count (Fisher–Yates).
  package func permutation(of count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    order.withUnsafeMutableBufferPointer { order in
      for i in stride(from: count - 1, to: 0, by: -1) {
        order.swapAt(i, below(i + 1, at: UInt64(i)))
      }
    }
    return order
  }

  @inlinable
  static var gamma: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  @inlinable
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
