/// Where a rank's wall time goes, in seconds.
package struct PhaseTimes: Sendable, Hashable, Codable {
  /// Preparing inputs and dealing samples to ranks.
  package var data = 0.0
  package var forward = 0.0
  package var backward = 0.0
  /// Adding up gradients: within the rank, and what peers sent.
  package var reduction = 0.0
  /// Waiting for peers and for data on its way.
  package var wait = 0.0
  /// The optimizer.
  package var update = 0.0
  /// Taking snapshots, waiting for the disk, comparing digests, writing metrics.
  package var checkpoint = 0.0

  package init() {}

  /// The names and seconds, in the order of the step.
  package var named: [(name: String, seconds: Double)] {
    [
      ("data", data), ("forward", forward), ("backward", backward), ("reduction", reduction),
      ("wait", wait), ("update", update), ("checkpoint", checkpoint),
    ]
  }

  /// The sum of all phases.
  package var total: Double { data + forward + backward + reduction + wait + update + checkpoint }

  package static func + (a: PhaseTimes, b: PhaseTimes) -> PhaseTimes {
    var sum = a
    sum += b
    return sum
  }

  package static func += (a: inout PhaseTimes, b: PhaseTimes) {
    a.data += b.data
    a.forward += b.forward
    a.backward += b.backward
    a.reduction += b.reduction
    a.wait += b.wait
    a.update += b.update
    a.checkpoint += b.checkpoint
  }
}
