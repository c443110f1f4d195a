/// How fast the ranks of a node compute, relative to the one that was measured. Every node is alike.
package struct CoreSpeeds: Sendable, Hashable {
  /// Cores that do not differ.
  package static let alike = CoreSpeeds(values: [1])

  /// The speeds of a node's first ranks, each above 0; further ranks repeat them.
  package let values: [Double]

  private init(values: [Double]) {
    self.values = values
  }

  /// Speeds with commas, as in `1,1,0.55`; nil if they are none. A core 1,000 times faster or slower than
  /// another would be a slip of the pen.
  package init?(parsing text: String) {
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
    guard values.allSatisfy({ (1e-3...1e3).contains($0) }) else { return nil }
    self.init(values: values)
  }

  /// The speed of a node's rank number `rank`, from 0.
  package subscript(rank: Int) -> Double { values[rank % values.count] }

  /// Whether some core differs from the one that was measured.
  package var differ: Bool { values.contains { $0 != 1 } }

  /// What `ranks` ranks on nodes of `ranksPerNode` can do together, in cores of the one that was measured.
  package func sum(ranks: Int, ranksPerNode: Int) -> Double {
    func node(_ ranks: Int) -> Double {
      let rest = values.prefix(ranks % values.count).reduce(0, +)
      return Double(ranks / values.count) * values.reduce(0, +) + rest
    }
    return Double(ranks / ranksPerNode) * node(ranksPerNode) + node(ranks % ranksPerNode)
  }
}
