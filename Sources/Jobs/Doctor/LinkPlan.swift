/// Which links between ranks a doctor measures.
package enum LinkPlan {
  /// The most links to other hosts: within ten seconds there is time for about eight links in all.
  package static let mostOtherHosts = 7

  /// Pairs of ranks to measure between, `hosts` being the host of each rank: the first two ranks of rank 0's
  /// host, and rank 0 with the first ranks of up to seven other hosts.
  package static func links(hosts: [String]) -> [(from: Int, to: Int)] {
    let byHost = Dictionary(grouping: hosts.indices) { hosts[$0] }
    guard let root = hosts.first, let neighbours = byHost[root] else { return [] }
    var links: [(from: Int, to: Int)] = []
    if neighbours.count > 1 { links.append((neighbours[0], neighbours[1])) }
    let firsts = byHost.values.compactMap(\.first).sorted()
    for first in firsts.dropFirst().prefix(mostOtherHosts) { links.append((firsts[0], first)) }
    return links
  }
}
