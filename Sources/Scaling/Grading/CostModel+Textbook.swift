/// The all-reduces of textbooks.
package enum TextbookReduction: String, Sendable, CaseIterable {
  /// One rank receives the arrays of all others, and sends each of them the sum.
  case naive
  /// A binomial tree up to one rank, and down again.
  case tree
  /// Around a ring: a part of the array on each rank, then all parts on all.
  case ring
}

extension CostModel.Link {
  /// Seconds that an all-reduce of `bytes` on `ranks` ranks should take over links like this one: α a message, o of work on
  /// each, bytes / β (Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in MPICH",
  /// §4; the ring after Patarasu, Yuan 2009). Additions are left out.
  package func seconds(_ reduction: TextbookReduction, ranks: Int, bytes: Double) -> Double {
    guard ranks > 1 else { return 0 }
    func message(_ bytes: Double) -> Double { messageSeconds + bytes / bytesPerSecond }
    let others = Double(ranks - 1)
    switch reduction {
    case .naive: return 2 * (latencySeconds + others * message(bytes))
    case .tree:
      let levels = Double(Int.bitWidth - (ranks - 1).leadingZeroBitCount)
      return 2 * levels * (latencySeconds + message(bytes))
    case .ring: return 2 * others * (latencySeconds + message(bytes / Double(ranks)))
    }
  }
}
