package import Runs

/// Where one rank's training steps spent their time.
package struct Profile: Sendable {
  /// Training images of all ranks.
  package var images: Int
  package var ranks: Int
  /// The rank's seconds by phase, dealing and checkpoints between steps included.
  package var phases: PhaseTimes
  /// The rank's seconds in each layer; `products` are those of both passes in products of matrices.
  package var layers: [(name: String, forward: Double, backward: Double, products: Double)]

  /// Microseconds for each image that this rank worked on, on average.
  package func microsecondsPerImage(_ seconds: Double) -> Double {
    images > 0 ? seconds * 1e6 * Double(ranks) / Double(images) : 0
  }
}
