/// How many ranks to start where.
package struct RankPlan: Hashable, Sendable {
  /// The hosts that answer.
  package let hostfile: Hostfile
  /// The number of ranks; nil to let Open MPI fill all slots.
  package let ranks: Int?

  /// Plans for the hosts of `hostfile` that are in `reachable`: `wanted` ranks, or as many as there is room
  /// for. Whoever asks for more ranks than all hosts together have slots wants to oversubscribe, and gets as
  /// many as asked for on whichever hosts answer.
  ///
  /// Returns nil if no host answers.
  package init?(hostfile: Hostfile, reachable: Set<String>, wanted: Int?) {
    let hosts = hostfile.hosts.filter { reachable.contains($0.name) }
    guard !hosts.isEmpty else { return nil }
    self.hostfile = Hostfile(hosts: hosts)
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
