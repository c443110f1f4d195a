/// Adds up what the micro-batches of a step computed, over all ranks.
///
/// A step is `begin`, then `withNextLeaf` for each owned leaf in order, then `reduce`.
public protocol GradientReduction: AnyObject {
  /// The leaves (micro-batches) that this rank computes in the current step.
  var ownedLeaves: Range<Int> { get }

  /// Seconds that the last `reduce` spent waiting for peers and for data on its way.
  var lastWaitSeconds: Double { get }

  /// Starts a step of `leafCount` micro-batches over all ranks.
  func begin(leafCount: Int)

  /// Has `body` overwrite all elements of the next owned leaf, then adds it.
  func withNextLeaf(_ body: (UnsafeMutablePointer<Float>) -> Void)

  /// The sum over all leaves of all ranks, valid until the next `begin`. Called by all ranks.
  func reduce() throws(CommunicatorError) -> UnsafePointer<Float>
}
