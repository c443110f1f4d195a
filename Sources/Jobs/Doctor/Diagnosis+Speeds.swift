extension Diagnosis {
  /// The ranks whose cores can be compared, which are more than one or none. Ranks that share a core would say
  /// nothing of its speed.
  private var comparable: [RankFacts] {
    let alone = hosts.flatMap { host -> [RankFacts] in
      let here = ranks(on: host).filter { $0.coreRate > 0 }
      return here.count > Set(here.flatMap(\.cores)).count || isSharingBoundCores(here) ? [] : here
    }
    return alone.count > 1 ? alone : []
  }

  /// The speeds of the slowest and of the fastest rank's core, in images per second; nil where there are none to
  /// compare.
  package var coreRates: ClosedRange<Double>? {
    let rates = comparable.map(\.coreRate)
    return rates.min().flatMap { least in rates.max().map { least...$0 } }
  }

  /// Cores slower than the fastest by this share are worth a word.
  private static let speedTolerance = 0.1
  /// The most slow ranks that are named.
  private static let mostNamed = 8

  var speeds: [Finding] {
    guard let rates = coreRates else { return [] }
    func share(_ facts: RankFacts) -> Double { facts.coreRate / rates.upperBound }
    let slow = comparable.filter { share($0) < 1 - Self.speedTolerance }.sorted {
      ($0.coreRate, $0.rank) < ($1.coreRate, $1.rank)
    }
    guard !slow.isEmpty else { return [] }
    let named = slow.prefix(Self.mostNamed).sorted { $0.rank < $1.rank }
    let parts = hosts.compactMap { host -> String? in
      let here = named.filter { $0.host == host }.map { "\($0.rank) (\(percent(share($0))))" }
      return here.isEmpty ? nil : "rank \(list(here)) on \(host)"
    }
    let others = slow.count > named.count ? ", and \(slow.count - named.count) more" : ""
    return [
      Finding(
        .warning,
        "the ranks' cores are not equally fast, against the fastest: \(parts.joined(separator: ", "))\(others)",
        advice:
          "no rank waits for them, since Lockstep deals work by need; but a core that stays slow is worth a "
          + "look: other programs, a busy hyperthread, a low clock, a fault")
    ]
  }

  private func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
}
