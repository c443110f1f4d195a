/// How many ranks to start where.
package struct RankPlan: Hashable, Sendable {
  /// The hosts that answer.
  package let hostfile: Hostfile
  /// The number of ranks; nil to let Open MPI fill all slots.
  package let ranks: Int?
  /// Whether `ranks` may be more than there is room for: hosts are missing, and how many slots the others have is left to
  /// Open MPI.
  package let mayExceedSlots: Bool

  /// Plans for the hosts of `hostfile` that are in `reachable`: `wanted` ranks, or as many as there is room
  /// for. Whoever asks for more ranks than all hosts together have slots wants to oversubscribe, and gets as
  /// many as asked for on whichever hosts answer.
  ///
  /// Returns nil if no host answers.
  package init?(hostfile: Hostfile, reachable: Set<String>, wanted: Int?) {
    self.hostfile = hostfile.keeping(reachable)
    let hosts = self.hostfile.hosts
    guard !hosts.isEmpty else { return nil }
    mayExceedSlots =
      wanted != nil && self.hostfile.slots == nil && hosts.count < hostfile.hosts.count
    guard let wanted else {
      ranks = nil
      return
    }
    if let all = hostfile.slots, let left = self.hostfile.slots, wanted <= all {
      ranks = min(wanted, left)
    } else {
      ranks = wanted
    }
  }
}
