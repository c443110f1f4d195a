/// Memory that the ranks of a node share: what meeting and reading in it take.
package struct SharedWindow: Sendable, Hashable {
  /// Seconds of one round of a barrier, in which each rank tells one other that it came.
  package var barrierSeconds: Double
  /// Bytes per second that one rank reads of what other cores wrote, while all ranks read.
  package var bytesPerSecond: Double

  /// A window of these figures.
  package init(barrierSeconds: Double, bytesPerSecond: Double) {
    self.barrierSeconds = barrierSeconds
    self.bytesPerSecond = bytesPerSecond
  }

  /// A window on a node whose ranks exchange messages over `link`: no slower than these, since a message
  /// within a node is a note in shared memory and a copy.
  package init(noSlowerThan link: CostModel.Link) {
    self.init(barrierSeconds: link.latencySeconds, bytesPerSecond: link.bytesPerSecond)
  }

  /// Seconds of a barrier of `ranks` ranks: ⌈log₂ ranks⌉ rounds (Hensgen, Finkel, Manber 1988).
  package func barrier(ranks: Int) -> Double {
    ranks > 1 ? Double(Int.bitWidth - (ranks - 1).leadingZeroBitCount) * barrierSeconds : 0
  }

  /// Seconds to read what `ranks` ranks wrote together, `bytes` in all, without one's own part.
  package func reading(_ bytes: Double, ranks: Int) -> Double {
    ranks > 1 ? bytes * Double(ranks - 1) / Double(ranks) / bytesPerSecond : 0
  }
}
