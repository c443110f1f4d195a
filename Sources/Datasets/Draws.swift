package import Tensors

/// Random numbers in the order in which a drawing asks for them.
package struct Draws: Sendable {
  private let generator: CounterGenerator
  private var next: UInt64 = 0

  package init(_ generator: CounterGenerator) {
    self.generator = generator
  }

  private mutating func bits() -> UInt64 {
    defer { next += 1 }
    return generator.bits(at: next)
  }

  /// In 0..<bound.
  package mutating func below(_ bound: Int) -> Int {
    Int(bits().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// In [0, 1).
  package mutating func uniform() -> Float {
    Float(bits() >> 40) * 0x1p-24
  }

  /// In [low, high).
  package mutating func between(_ low: Float, _ high: Float) -> Float {
    low + (high - low) * uniform()
  }

  /// About normal, mean 0, deviation 1, never beyond ±3.5: the sum of four uniform numbers (Irwin–Hall).
  package mutating func normal() -> Float {
    let word = bits()
    let sum = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + word >> 48
    return (Float(sum) * 0x1p-16 - 2) * 1.7320508
  }

  /// As `normal()`, brought to a mean and a deviation and kept in `range`.
  package mutating func normal(mean: Float, deviation: Float, in range: ClosedRange<Float>) -> Float {
    min(max(mean + deviation * normal(), range.lowerBound), range.upperBound)
  }
}
