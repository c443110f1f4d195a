/// Draws conclusions from what all ranks tell: pure, so that every case can be tested without such a cluster.
package struct Diagnosis: Sendable {
  /// By rank.
  package let ranks: [RankFacts]
  /// The clock of each host less that of the first, in seconds, where it was measured.
  package let clockOffsets: [String: Double]
  /// What is wrong with the run's folder as the root sees it; nil if it can be written.
  package let runFolderFault: String?

  /// A diagnosis of what was gathered.
  package init(ranks: [RankFacts], clockOffsets: [String: Double] = [:], runFolderFault: String? = nil) {
    self.ranks = ranks
    self.clockOffsets = clockOffsets
    self.runFolderFault = runFolderFault
  }

  /// Hosts in the order of their first ranks.
  package var hosts: [String] {
    var seen: Set<String> = []
    return ranks.map(\.host).filter { seen.insert($0).inserted }
  }

  func ranks(on host: String) -> [RankFacts] { ranks.filter { $0.host == host } }

  /// All findings, the worst first.
  package var findings: [Finding] {
    (products + versions + data + folder + placement + speeds + resources + network + clocks)
      .enumerated().sorted { ($0.element.level, $0.offset) < ($1.element.level, $1.offset) }.map(\.element)
  }

  private var products: [Finding] {
    var result: [Finding] = []
    if let parts = differences(\.productsIdentity) {
      result.append(
        Finding(
          .problem, "the ranks' matrix products have different bits: \(parts)",
          advice: "leave --products openblas away: Lockstep's own definition is the same on every processor"))
    }
    let slow = Dictionary(
      grouping: ranks.filter { $0.productRate < 0.9 * $0.bestProductRate }, by: \.products)
    for products in slow.keys.sorted() {
      let here = slow[products] ?? []
      let share = here.map { $0.productRate / $0.bestProductRate }.reduce(0, +) / Double(here.count)
      result.append(
        Finding(
          .warning,
          "rank \(list(here.map { "\($0.rank)" })) multiplies matrices (\(products)) at "
            + "\(Int((100 * share).rounded())) % of what the processor can do",
          advice: "leave --products openblas away, and LOCKSTEP_LANES unset"))
    }
    return result
  }

  private var versions: [Finding] {
    var result: [Finding] = []
    if let parts = differences({ String($0.binaryDigest.prefix(12)) }) {
      result.append(
        Finding(
          .problem, "the ranks run different builds of the program: \(parts)",
          advice: "copy one build to the same path on all hosts"))
    }
    if let parts = differences(\.mpiVersion) {
      result.append(
        Finding(
          .problem, "MPI's versions differ: \(parts)", advice: "install the same version on all hosts"))
    }
    return result
  }

  private var data: [Finding] {
    var (digests, missing): ([String: [String]], [String]) = ([:], [])
    var recognitions: Set<String> = []
    var result: [Finding] = []
    for host in hosts {
      for facts in ranks(on: host) {
        switch facts.dataset {
        case .notAsked: break
        case .found(let digest, _, let recognition):
          digests[digest, default: []].append(place(of: facts))
          if !recognition.isEmpty { recognitions.insert(recognition) }
        case .missing: missing.append(host)
        case .damaged(let sentence):
          result.append(
            Finding(
              .problem, "the dataset on \(host) cannot be used: \(sentence)",
              advice: "fetch or copy it again, or remove it there: ranks without it are sent their share"))
        }
      }
    }
    if digests.count > 1 {
      let parts = digests.keys.sorted().map { "\($0.prefix(12)) on \(list(digests[$0] ?? []))" }
      result.append(
        Finding(
          .problem, "the datasets differ: SHA-256 \(parts.joined(separator: "; "))",
          advice: "copy one of them to all hosts, and give all ranks the same --data"))
    } else if digests.isEmpty, result.isEmpty {
      result.append(
        Finding(
          .problem, "no host has the dataset", advice: "`lockstep fetch`, or name its folder with --data"))
    } else if !missing.isEmpty, let first = digests.values.first?.first {
      result.append(
        Finding(.note, "\(list(missing)) without the dataset: ranks there are sent their share from \(first)")
      )
    }
    return result + recognitions.sorted().map { Finding(.note, $0) }
  }

  /// A rank's host; where ranks of the host have different data, the rank as well.
  private func place(of facts: RankFacts) -> String {
    let digests = Set(
      ranks(on: facts.host).compactMap { rank -> String? in
        guard case .found(let digest, _, _) = rank.dataset else { return nil }
        return digest
      })
    return digests.count > 1 ? "rank \(facts.rank) of \(facts.host)" : facts.host
  }

  private var folder: [Finding] {
    runFolderFault.map {
      [Finding(.problem, $0, advice: "name another folder with --run; only rank 0 writes to it")]
    } ?? []
  }

  private var placement: [Finding] {
    var result: [Finding] = []
    for host in hosts {
      let here = ranks(on: host)
      let cores = Set(here.flatMap(\.cores))
      let place = hosts.count > 1 ? " on \(host)" : ""
      if here.count > cores.count {
        result.append(
          Finding(
            .warning, "\(here.count) ranks share \(count(cores.count, "core"))\(place)",
            advice: "start at most one rank per physical core"
              + (here.allSatisfy(\.yieldsWhenIdle) ? "" : ", or add --mca mpi_yield_when_idle 1")))
      } else if here.count > 1 {
        if isSharingBoundCores(here) {
          result.append(
            Finding(
              .warning, "ranks\(place) are bound to the same cores",
              advice: "--bind-to core --map-by core, and one mpirun at a time"))
        } else if !here.contains(where: \.isBound) {
          result.append(
            Finding(
              .note, "ranks\(place) are not bound to cores, and may be moved about",
              advice: "--bind-to core --map-by core for steady times"))
        }
      }
    }
    let changes = zip(ranks, ranks.dropFirst()).count { $0.host != $1.host }
    if changes >= hosts.count, hosts.count > 1 {
      result.append(
        Finding(
          .warning, "neighbouring ranks are on different hosts, so that more of each reduction travels",
          advice: "--map-by core fills one host after the other"))
    }
    return result
  }

  /// Whether ranks that are bound to cores share some.
  func isSharingBoundCores(_ ranks: [RankFacts]) -> Bool {
    let bound = ranks.filter(\.isBound)
    return bound.indices.contains { index in
      bound[..<index].contains { !Set($0.cores).isDisjoint(with: bound[index].cores) }
    }
  }

  private var resources: [Finding] {
    hosts.flatMap { host -> [Finding] in
      let here = ranks(on: host)
      var result: [Finding] = []
      let memory = here.map(\.memoryAvailable).min() ?? 0
      if memory < here.count * 150_000_000 {
        result.append(
          Finding(
            memory < here.count * 60_000_000 ? .problem : .warning,
            "\(host) has \(memory / 1_000_000) MB of memory left for \(count(here.count, "rank"))",
            advice: "a rank takes about 100 MB: start fewer there"))
      }
      let shared = here.map(\.sharedMemoryAvailable).min() ?? 0
      if here.count > 1, shared < here.count * 16_000_000 {
        result.append(
          Finding(
            .warning, "\(host) has \(shared / 1_000_000) MB left in /dev/shm, through which its ranks talk",
            advice: "enlarge it (containers: --shm-size), or --mca btl tcp,self"))
      }
      return result
    }
  }

  private var network: [Finding] {
    guard hosts.count > 1 else { return [] }
    var result: [Finding] = []
    var owners: [NetworkInterface: [String]] = [:]
    for host in hosts {
      for interface in Set(ranks(on: host).flatMap(\.interfaces)) {
        owners[interface, default: []].append(host)
      }
    }
    for (interface, hosts) in owners.sorted(by: { $0.key.name < $1.key.name }) where hosts.count > 1 {
      result.append(
        Finding(
          .warning,
          "\(interface.name) has the address \(interface.address) on \(list(hosts)): it does not "
            + "connect them, yet MPI may try it and hang",
          advice:
            "--mca btl_tcp_if_exclude lo,\(interface.name) --mca oob_tcp_if_exclude lo,\(interface.name)"))
    }
    if !ranks.contains(where: \.noticesLostHosts) {
      result.append(
        Finding(
          .note, "mpirun would notice an unplugged host after minutes only",
          advice: "start with `lockstep launch`, or add --mca oob_tcp_keepalive_time 2 "
            + "--mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3"))
    }
    return result
  }

  private var clocks: [Finding] {
    clockOffsets.filter { abs($0.value) > 1 }.sorted { $0.key < $1.key }.map { host, offset in
      let seconds = Int(abs(offset).rounded())
      return Finding(
        .warning,
        "the clock of \(host) is \(seconds) s \(offset > 0 ? "ahead of" : "behind") that of \(hosts[0])",
        advice: "set clocks by NTP: files' times and logs would mislead; training itself does not mind")
    }
  }

  /// `a on rank 0 and 1; b on rank 2`, nil if all agree.
  private func differences(_ value: (RankFacts) -> String) -> String? {
    // Not every rank is asked everything.
    let groups = Dictionary(grouping: ranks.filter { !value($0).isEmpty }, by: value)
    guard groups.count > 1 else { return nil }
    return groups.keys.sorted().map { key in
      "\(key) on rank \(list((groups[key] ?? []).map { "\($0.rank)" }))"
    }.joined(separator: "; ")
  }

  private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  func list(_ words: [String]) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}
