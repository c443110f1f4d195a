package import Collectives
internal import Files
internal import Runs

/// Work that loads processors and network for a while and is checked all the time, for the acceptance of a cluster.
///
/// In each round every rank trains one of the self-test's recipes, whose model is known; computes leaves that ranks of other
/// nodes compute too; and exchanges messages whose content is known with a rank of another node. Whom it is compared with,
/// and with whom it exchanges, changes from round to round (`BurnInPairing`).
package final class BurnIn {
  /// What was found so far.
  package private(set) var report: BurnInReport

  private let communicator: any Communicator
  private let pairing: BurnInPairing
  private let nodeOfRank: [Int]
  private let work: BurnInWork
  private let exchange: BurnInExchange
  private let temperature: () -> Double?
  /// Seconds of a round in which leaves are computed.
  private let roundSeconds: Double
  /// Messages of a round each way: as many as take about half of it.
  private var messages = 4
  private static let mostMessages = 4096
  /// The most leaves of a round that all ranks compute again.
  private static let mostAppeals = 8

  /// A burn-in of so many seconds. Called by all ranks, each of which says what its `host` is called.
  ///
  /// `temperature` is asked on the first rank of each node; `fault` is for drills.
  ///
  /// - Throws: `CommunicatorError`.
  package init(
    over communicator: any Communicator, host: String, seconds: Double, roundSeconds: Double = 0.4,
    fault: BurnInFault? = nil, temperature: @escaping () -> Double? = { nil }
  ) throws {
    let nodes = try communicator.nodes()
    let hosts = try communicator.allGather(Array(host.utf8)).map { String(decoding: $0, as: UTF8.self) }
    let own = fault?.rank == communicator.rank ? fault : nil
    self.communicator = communicator
    self.roundSeconds = roundSeconds
    self.temperature = temperature
    pairing = BurnInPairing(nodes: nodes)
    nodeOfRank = hosts.indices.map { rank in nodes.firstIndex { $0.contains(rank) } ?? 0 }
    work = try BurnInWork(fault: own)
    exchange = BurnInExchange(over: communicator, fault: own)
    report = BurnInReport(
      nodes: nodes.map { (name: hosts[$0.first ?? 0], ranks: $0) }, secondsAsked: seconds)
  }

  /// Runs rounds until the time is over, or some rank was asked to stop. Called by all ranks.
  ///
  /// `didRound` gets what is known after each round; `willStop` what was known before, as soon as this rank is asked to
  /// stop: whoever asked may not wait for the end of the round.
  ///
  /// - Throws: `CommunicatorError`.
  package func run(
    isStopRequested: () -> Bool, willStop: (BurnInReport) -> Void = { _ in },
    didRound: (BurnInReport) -> Void = { _ in }
  ) throws {
    let start = MonotonicClock.now()
    // Products that are not proven yet are tried first, and that is not what is to be measured.
    _ = try SelfTest.run(Recipe.names[0])
    for leaf in 0..<20 { _ = work.hash(round: 0, set: 0, index: leaf) }
    var hasToldOfStop = false
    let isStopping = {
      guard isStopRequested() else { return false }
      if !hasToldOfStop { willStop(self.report) }
      hasToldOfStop = true
      return true
    }
    while true {
      let isStopped = try runRound(isStopping)
      // All ranks end after the same round.
      report.seconds = try communicator.allGather(numbers: [MonotonicClock.now() - start])[0][0]
      didRound(report)
      if isStopped || report.isComplete { return }
    }
  }

  // MARK: - A round

  /// Runs a round and adds what comes of it to the report; whether some rank was asked to stop.
  private func runRound(_ isStopping: () -> Bool) throws -> Bool {
    let (round, rank) = (report.rounds, communicator.rank)
    communicator.willEnter("the burn-in's round", step: round + 1)
    let sets = pairing.comparisons(round: round)
    let set = sets.firstIndex { $0.contains(rank) } ?? 0
    try communicator.barrier()

    var record = BurnInRecord()
    if pairing.nodes[nodeOfRank[rank]].first == rank { record.temperature = temperature() }
    let recipe = Recipe.names[round % Recipe.names.count]
    record.failsSelfTest = try !SelfTest.run(recipe).isRight

    let start = MonotonicClock.now()
    let partner = pairing.partner(of: rank, round: round)
    var hashes: [UInt64] = []
    func compute(until end: Double) {
      let begin = MonotonicClock.now()
      // One block at least, so that there is something to compare.
      while hashes.count < BurnInRecord.blockSize || MonotonicClock.now() < end, !isStopping() {
        hashes.append(work.hash(round: round, set: set, index: hashes.count))
      }
      record.computeSeconds += MonotonicClock.now() - begin
    }
    if partner != nil, !pairing.exchangesFirst(rank, round: round) {
      compute(until: start + roundSeconds / 2)
    }
    if let partner {
      let outcome = try exchange.run(with: partner, round: round, messages: messages)
      (record.messages, record.wrongMessages, record.exchangeSeconds) = (
        messages, outcome.wrong, outcome.seconds
      )
    }
    let isAlone = communicator.worldSize == 1
    compute(until: start + (isAlone ? roundSeconds / 2 : roundSeconds))
    record.leaves = hashes.count
    if isAlone {
      // Nobody else computes the same: it does, once more.
      record.contradictions = hashes.indices.count {
        !isStopping() && work.hash(round: round, set: set, index: $0) != hashes[$0]
      }
    }
    record.setBlocks(hashes)
    record.isStopRequested = isStopping()

    let records = try gather(record.words).map { BurnInRecord(words: $0) }
    try compare(records, sets, round: round, own: hashes)
    add(records, round: round, recipe: recipe)
    return records.contains(where: \.isStopRequested)
  }

  private func gather(_ words: [UInt64]) throws(CommunicatorError) -> [[UInt64]] {
    try communicator.allGather(numbers: words.map { Double(bitPattern: $0) }).map { $0.map(\.bitPattern) }
  }

  /// Finds the leaves of which ranks have different bits, and who is wrong.
  private func compare(
    _ records: [BurnInRecord], _ sets: [[Int]], round: Int, own hashes: [UInt64]
  ) throws {
    // The blocks that all ranks of a set have computed.
    let disputed = sets.map { ranks in
      let count = ranks.map { records[$0].blocks.count }.min() ?? 0
      return (0..<count).filter { block in
        ranks.contains { records[$0].blocks[block] != records[ranks[0]].blocks[block] }
      }
    }
    guard disputed.contains(where: { !$0.isEmpty }) else { return }
    let ownSet = sets.firstIndex { $0.contains(communicator.rank) } ?? 0
    let details = try gather(disputed[ownSet].flatMap { BurnInRecord.block($0, of: hashes) })
    var appeals: [(set: Int, index: Int, claims: [LeafClaim])] = []
    for (set, ranks) in sets.enumerated() {
      for (place, block) in disputed[set].enumerated() {
        for leaf in 0..<BurnInRecord.blockSize {
          let claims = claims(of: ranks) { details[$0][place * BurnInRecord.blockSize + leaf] }
          guard Set(claims.map(\.hash)).count > 1 else { continue }
          let verdict = LeafVerdict.byMajority(claims)
          if verdict.undecided.isEmpty {
            report.record(verdict)
          } else {
            appeals.append((set, block * BurnInRecord.blockSize + leaf, claims))
          }
        }
      }
    }
    communicator.willEnter("the burn-in's second look", step: round + 1)
    let heard = appeals.prefix(Self.mostAppeals)
    let again = try gather(heard.map { work.hash(round: round, set: $0.set, index: $0.index) })
    var named: Set<Int> = []
    for (place, appeal) in heard.enumerated() {
      let verdict = LeafVerdict.onAppeal(
        appeal.claims, recomputed: claims(of: Array(again.indices)) { again[$0][place] })
      named.formUnion(verdict.wrong)
      report.record(verdict)
    }
    // For the others it is taken to be the same ranks.
    for appeal in appeals.dropFirst(heard.count) {
      let verdict = LeafVerdict.byMajority(appeal.claims)
      let wrong = verdict.undecided.filter(named.contains)
      report.record(wrong.isEmpty ? verdict : LeafVerdict(wrong: wrong))
    }
  }

  private func claims(of ranks: [Int], _ hash: (Int) -> UInt64) -> [LeafClaim] {
    ranks.map { LeafClaim(rank: $0, node: nodeOfRank[$0], hash: hash($0)) }
  }

  /// Adds a round's records to the report, and settles how many messages the next round has.
  private func add(_ records: [BurnInRecord], round: Int, recipe: String) {
    let isOneNode = pairing.nodes.count == 1
    for (rank, record) in records.enumerated() {
      if record.contradictions > 0 { report.recordWrong(rank: rank, leaves: record.contradictions) }
      if record.failsSelfTest { report.recordWrongRecipe(rank: rank, recipe) }
      let peer = pairing.partner(of: rank, round: round).map { nodeOfRank[$0] }
      if let peer { report.recordWrongMessages(record.wrongMessages, between: nodeOfRank[rank], and: peer) }
    }
    for (index, ranks) in pairing.nodes.enumerated() {
      var (images, bytes) = (0.0, 0.0)
      for rank in ranks {
        let record = records[rank]
        report.nodes[index].leaves += record.leaves
        report.nodes[index].messages += record.messages
        report.nodes[index].wrongMessages += record.wrongMessages
        if record.computeSeconds > 0 {
          images += Double(record.leaves * work.microBatch) / record.computeSeconds
        }
        let peer = pairing.partner(of: rank, round: round).map { nodeOfRank[$0] }
        if record.exchangeSeconds > 0, isOneNode || peer != index {
          bytes += Double(record.messages * BurnInExchange.messageCount * 4) / record.exchangeSeconds
        }
        if let degrees = record.temperature {
          report.nodes[index].hottest = max(report.nodes[index].hottest ?? degrees, degrees)
        }
      }
      if images > 0 { report.nodes[index].imagesPerSecond.add(images) }
      if bytes > 0 { report.nodes[index].bytesPerSecond.add(bytes) }
    }
    report.rounds += 1
    let slowest = records.map(\.exchangeSeconds).max() ?? 0
    guard slowest > 0 else { return }
    let factor = min(max(roundSeconds / 2 / slowest, 0.25), 4)
    messages = min(max(Int(Double(messages) * factor), 1), Self.mostMessages)
  }
}
