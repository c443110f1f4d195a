/// Points that fill a cube more evenly than random ones (Sobol 1967), in the order of Antonov and Saleev 1979, with the
/// direction numbers of Joe and Kuo 2008.
package struct SobolSequence: Sendable {
  /// The most dimensions that a point can have.
  package static var mostDimensions: Int { directions.count + 1 }

  /// By dimension what each bit of a point's number turns over.
  private let turns: [[UInt32]]

  /// Points of so many dimensions.
  package init(dimensions: Int) {
    precondition((0...Self.mostDimensions).contains(dimensions), "\(dimensions) dimensions")
    turns = (0..<dimensions).map { dimension in
      guard dimension > 0 else { return (0..<32).map { 1 << (31 - $0) } }
      let (coefficients, first) = Self.directions[dimension - 1]
      let degree = first.count
      var numbers = (0..<degree).map { first[$0] << (31 - UInt32($0)) }
      for index in degree..<32 {
        var number = numbers[index - degree] ^ (numbers[index - degree] >> UInt32(degree))
        for k in 1..<max(degree, 1) where (coefficients >> UInt32(degree - 1 - k)) & 1 == 1 {
          number ^= numbers[index - k]
        }
        numbers.append(number)
      }
      return numbers
    }
  }

  /// The point with this number, from 0, each coordinate in 32 bits: of 2³².
  package func point(_ number: UInt32) -> [UInt32] {
    let gray = number ^ (number >> 1)
    return turns.map { turns in
      turns.indices.reduce(0) { gray >> UInt32($1) & 1 == 1 ? $0 ^ turns[$1] : $0 }
    }
  }
}
