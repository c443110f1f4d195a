package import Tensors

/// A time of waiting, in seconds of the machine's monotonic clock.
package struct WaitInterval: Sendable, Hashable {
  package var start: Double
  package var end: Double
}

extension GradientReduction {
  /// Seconds that the last `reduce` spent waiting.
  package var lastWaitSeconds: Double { lastWaits.reduce(0) { $0 + $1.end - $1.start } }
}

/// Adds up what the micro-batches of a step computed, over all ranks.
///
/// A step is `begin`, then `withNextLeaf` for each owned leaf in order, then `reduce`.
package protocol GradientReduction: AnyObject {
  /// The leaves (micro-batches) that this rank computes in the current step.
  var ownedLeaves: Range<Int> { get }

  /// When the last `reduce` waited for peers and for data on its way, in order.
  var lastWaits: [WaitInterval] { get }

  /// Starts a step of `leafCount` micro-batches over all ranks.
  func begin(leafCount: Int)

  /// Has `body` overwrite all elements of the next owned leaf, then adds it.
  func withNextLeaf(_ body: (inout MutableSpan<Float>) -> Void)

  /// The sum over all leaves of all ranks; what the buffer holds is valid until the next `begin`. Called by all ranks.
  func reduce() throws(CommunicatorError) -> FloatBuffer
}
