internal import Tensors

/// Where in a space trials are: a function of the seed and the number.
package enum Sampler: String, Sendable, Codable, CaseIterable {
  /// Independent of one another (Bergstra, Bengio 2012).
  case random
  /// A Sobol sequence, moved by the seed: its bits are turned over where those of a random number are set, which keeps the
  /// points as even as they are ("digital shift": Owen, "Randomized quasi-Monte Carlo", 2003).
  case sobol

  /// The point with this number, from 0: `dimensions` coordinates from 0 to below 1.
  package func point(_ number: Int, dimensions: Int, seed: UInt64) -> [Double] {
    switch self {
    case .random:
      let generator = CounterGenerator(seed: seed, for: .searchTrial, UInt64(number))
      return (0..<dimensions).map { generator.uniform(at: UInt64($0)) }
    case .sobol:
      let generator = CounterGenerator(seed: seed, for: .searchShift)
      let point = SobolSequence(dimensions: dimensions).point(UInt32(truncatingIfNeeded: number))
      return point.enumerated().map { dimension, bits in
        Double(bits ^ UInt32(truncatingIfNeeded: generator.bits(at: UInt64(dimension)))) * 0x1p-32
      }
    }
  }
}
