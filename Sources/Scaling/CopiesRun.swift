/// As many independent copies of a training at once as a point has ranks: what its cores give when nobody waits
/// for anybody, and no gradient is added up.
package struct CopiesRun: Hashable, Sendable, Codable {
  /// Training images per second of each copy, by core in the order of the ranks.
  package var copies: [Double]
  /// What an image cost, by phase.
  package var coreSeconds: CoreSeconds

  /// Training images per second of all copies.
  package var imagesPerSecond: Double { copies.reduce(0, +) }

  /// What the copies' figures say together.
  package init(_ figures: [CopyFigures]) {
    copies = figures.map(\.imagesPerSecond)
    coreSeconds = CoreSeconds(figures)
  }
}
