package import Runs

/// A fault on purpose, for drills and tests: a bit of one value is flipped in the first gradient that a rank computes in a
/// step, as a faulty processor or memory would do. Nobody notices but whoever takes the step again.
package struct GradientFault: Hashable, Sendable {
  /// The variable that asks for it: `RANK:STEP:ELEMENT:BIT`.
  package static let variable = "LOCKSTEP_FLIP"

  package var rank: Int
  /// Counted from 1, as records count them.
  package var step: Int
  /// The value's place in the flat gradient.
  package var element: Int
  /// 0 is the lowest of the fraction, 31 the sign.
  package var bit: Int

  package init(rank: Int, step: Int, element: Int, bit: Int) {
    (self.rank, self.step, self.element, self.bit) = (rank, step, element, bit)
  }

  /// As `variable` holds it.
  ///
  /// - Throws: `RunError` with exit code 64 if it is none.
  package init(_ text: String) throws(RunError) {
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 4, let rank = numbers[0], let step = numbers[1], let element = numbers[2],
      let bit = numbers[3], rank >= 0, step > 0, element >= 0, (0..<32).contains(bit)
    else {
      throw RunError("\(Self.variable): expected RANK:STEP:ELEMENT:BIT, found '\(text)'", exitCode: 64)
    }
    self.init(rank: rank, step: step, element: element, bit: bit)
  }

  /// Flips the bit, if the gradient has that element.
  func strike(_ gradient: inout MutableSpan<Float>, count: Int) {
    guard element < count else { return }
    gradient[element] = Float(bitPattern: gradient[element].bitPattern ^ 1 << UInt32(bit))
  }
}
