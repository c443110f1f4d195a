internal import Files
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
/// A step is `begin`, then `withLeaf` for each leaf that `takeLeaf` gives, then `reduce`.
package protocol GradientReduction: AnyObject {
  /// When the last `reduce` waited for peers and for data on its way, in order.
  var lastWaits: [WaitInterval] { get }

  /// What this rank has computed so far.
  var work: LeafWork { get }

  /// Who is dealt which leaves from the next step on: the same on all ranks.
  var division: LeafDivision { get set }

  /// Starts a step of `leafCount` micro-batches over all ranks.
  func begin(leafCount: Int)

  /// The next leaf (micro-batch) that this rank computes in the current step; nil when it is done.
  func takeLeaf() -> Int?

  /// Has `body` overwrite all elements of the leaf that was taken last, then adds it.
  func withLeaf(_ body: (inout MutableSpan<Float>) -> Void)

  /// The sum over all leaves of all ranks; what the buffer holds is valid until the next `begin`. Called by all ranks.
  func reduce() throws(CommunicatorError) -> FloatBuffer
}

/// What a rank computed, and how long that took.
package struct LeafWork: Hashable, Sendable {
  package var leaves: Int
  /// Those of them that were dealt to other ranks.
  package var taken: Int
  /// Seconds from the beginnings of steps to the ends of their last leaves.
  package var seconds: Double

  package init(leaves: Int = 0, taken: Int = 0, seconds: Double = 0) {
    (self.leaves, self.taken, self.seconds) = (leaves, taken, seconds)
  }

  /// What was computed between two moments.
  package static func - (end: LeafWork, start: LeafWork) -> LeafWork {
    LeafWork(
      leaves: end.leaves - start.leaves, taken: end.taken - start.taken, seconds: end.seconds - start.seconds)
  }
}

extension Communicator {
  /// What each rank says that it computed, by rank. Called by all ranks.
  package func allGather(_ work: LeafWork) throws(CommunicatorError) -> [LeafWork] {
    try allGather(numbers: [Double(work.leaves), Double(work.taken), work.seconds]).map {
      LeafWork(leaves: Int($0[0]), taken: Int($0[1]), seconds: $0[2])
    }
  }
}

/// Hands out a rank's own leaves in order, and keeps the books.
struct LeafCursor {
  private(set) var next = 0
  private(set) var end = 0
  private var isOpen = false
  private var start = 0.0

  mutating func begin(_ leaves: Range<Int>) {
    (next, end, isOpen, start) = (leaves.lowerBound, leaves.upperBound, false, MonotonicClock.now())
  }

  mutating func take(_ work: inout LeafWork) -> Int? {
    precondition(!isOpen, "leaf \(next) was taken and not computed")
    guard next < end else {
      work.seconds += MonotonicClock.now() - start
      return nil
    }
    isOpen = true
    return next
  }

  /// The leaf that was taken last, which is being computed.
  mutating func finish(_ work: inout LeafWork) -> Int {
    precondition(isOpen, "no leaf was taken")
    isOpen = false
    work.leaves += 1
    defer { next += 1 }
    return next
  }

  func requireEnd() {
    precondition(next == end && !isOpen, "leaves from \(next) on are missing")
  }
}
