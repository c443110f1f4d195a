import Collectives
import Runs
import Testing
import Training

@Suite struct BurnInPairingTests {
  /// Clusters of so many nodes, with ranks alike or not.
  private static let clusters: [[Int]] =
    (1...9).map { Array(repeating: 2, count: $0) } + [
      [1], [5], [8], [1, 4], [3, 1, 2], [1, 1, 1, 1], [4, 2, 3, 4, 1],
    ]

  private func pairing(_ sizes: [Int]) -> BurnInPairing {
    var next = 0
    return BurnInPairing(
      nodes: sizes.map { size in
        defer { next += size }
        return Array(next..<next + size)
      })
  }

  @Test(arguments: clusters) func everyRankIsComparedWithTwoOtherNodes(_ sizes: [Int]) {
    let pairing = pairing(sizes)
    let ranks = Array(0..<sizes.reduce(0, +))
    for round in 0..<12 {
      let sets = pairing.comparisons(round: round)
      #expect(sets.flatMap { $0 }.sorted() == ranks)
      for set in sets {
        let nodes = Set(set.map { rank in pairing.nodes.firstIndex { $0.contains(rank) } })
        #expect(nodes.count >= min(sizes.count, 3))
        #expect(set.count >= min(ranks.count, 3))
      }
    }
  }

  @Test(arguments: clusters) func allNodesMeetAllOthers(_ sizes: [Int]) {
    let pairing = pairing(sizes)
    func node(_ rank: Int) -> Int { pairing.nodes.firstIndex { $0.contains(rank) } ?? -1 }
    var (compared, linked): (Set<[Int]>, Set<[Int]>) = ([], [])
    for round in 0..<60 {
      for set in pairing.comparisons(round: round) {
        for a in set { for b in set where node(a) < node(b) { compared.insert([node(a), node(b)]) } }
      }
      for rank in 0..<sizes.reduce(0, +) {
        guard let partner = pairing.partner(of: rank, round: round) else { continue }
        #expect(partner != rank && pairing.partner(of: partner, round: round) == rank)
        #expect(pairing.exchangesFirst(rank, round: round) == pairing.exchangesFirst(partner, round: round))
        if node(rank) < node(partner) { linked.insert([node(rank), node(partner)]) }
      }
    }
    let pairs = Set(sizes.indices.flatMap { a in (a + 1..<sizes.count).map { [a, $0] } })
    #expect(compared == pairs)
    #expect(linked == pairs)
  }

  /// On one node ranks exchange with all others; nobody is left out where all can be paired.
  @Test func ranksOfOneNodeMeetOneAnother() {
    let pairing = pairing([6])
    var met: Set<[Int]> = []
    for round in 0..<5 {
      for rank in 0..<6 { met.insert([rank, pairing.partner(of: rank, round: round) ?? -1]) }
    }
    #expect(met.count == 30)
    #expect(self.pairing([1]).partner(of: 0, round: 3) == nil)
  }
}

@Suite struct LeafVerdictTests {
  /// Claims as (rank, node, hash).
  private func claims(_ list: [(Int, Int, UInt64)]) -> [LeafClaim] {
    list.map { LeafClaim(rank: $0.0, node: $0.1, hash: $0.2) }
  }

  @Test func twoOfThreeNodesOutvoteTheThird() {
    #expect(LeafVerdict.byMajority(claims([(0, 0, 7), (1, 1, 8), (2, 2, 7)])) == LeafVerdict(wrong: [1]))
    #expect(
      LeafVerdict.byMajority(claims([(0, 0, 7), (1, 1, 8), (2, 2, 9)])) == LeafVerdict(undecided: [0, 1, 2]))
  }

  /// A node with many ranks has one voice.
  @Test func ranksOfAWrongNodeDoNotOutvoteTheOthers() {
    let list = claims([(0, 0, 8), (1, 0, 8), (2, 0, 8), (3, 1, 7), (4, 2, 7)])
    #expect(LeafVerdict.byMajority(list) == LeafVerdict(wrong: [0, 1, 2]))
  }

  @Test func oneWrongCoreOfTwoNodesIsFound() {
    let list = claims([(0, 0, 7), (1, 0, 7), (2, 1, 7), (3, 1, 8)])
    #expect(LeafVerdict.byMajority(list) == LeafVerdict(wrong: [3]))
  }

  @Test func twoVoicesAgainstEachOtherDecideNothing() {
    #expect(LeafVerdict.byMajority(claims([(0, 0, 7), (1, 1, 8)])) == LeafVerdict(undecided: [0, 1]))
    #expect(
      LeafVerdict.byMajority(claims([(0, 0, 7), (1, 0, 8), (2, 0, 7), (3, 0, 8)]))
        == LeafVerdict(undecided: [0, 1, 2, 3]))
  }

  @Test func whoContradictsItselfIsWrong() {
    let before = claims([(0, 0, 7), (1, 1, 8)])
    #expect(
      LeafVerdict.onAppeal(before, recomputed: claims([(0, 0, 7), (1, 1, 7)])) == LeafVerdict(wrong: [1]))
    #expect(
      LeafVerdict.onAppeal(before, recomputed: claims([(0, 0, 7), (1, 1, 9)])) == LeafVerdict(wrong: [1]))
    #expect(
      LeafVerdict.onAppeal(before, recomputed: claims([(0, 0, 6), (1, 1, 9)])) == LeafVerdict(wrong: [0, 1]))
    #expect(
      LeafVerdict.onAppeal(before, recomputed: before) == LeafVerdict(undecided: [0, 1]))
  }

  @Test func allNodesDecideWhatThreeCannot() {
    let before = claims([(0, 0, 7), (1, 1, 8), (2, 2, 9)])
    let all = before + claims([(3, 3, 9), (4, 4, 9)])
    #expect(LeafVerdict.onAppeal(before, recomputed: all) == LeafVerdict(wrong: [0, 1]))
  }
}

@Suite struct BurnInTests {
  /// What ranks report of so many rounds, one of them with a fault.
  private func report(
    ranks: Int, perNode: Int, rounds: Int = 1, fault: BurnInFault? = nil, degrees: Double? = nil
  ) throws -> BurnInReport {
    let reports = try InProcessWorld(size: ranks, ranksPerNode: perNode).run { communicator in
      let burnIn = try BurnIn(
        over: communicator, host: "node\(communicator.rank / perNode + 1)", seconds: 1e6, roundSeconds: 0.01,
        fault: fault
      ) { degrees.map { $0 + Double(communicator.rank) } }
      try burnIn.run { burnIn.report.rounds >= rounds }
      return burnIn.report
    }
    for report in reports {
      #expect(report.isRight == reports[0].isRight && report.nodes == reports[0].nodes)
    }
    return reports[0]
  }

  @Test(arguments: [(1, 1), (2, 1), (3, 3), (6, 2)])
  func soundRanksAreRight(_ ranks: Int, _ perNode: Int) throws {
    let report = try report(ranks: ranks, perNode: perNode, rounds: 2, degrees: 50)
    #expect(report.isRight && !report.isComplete, "\(report.errors)")
    #expect(
      report.nodes.allSatisfy { $0.leaves >= 64 * perNode && $0.wrong == 0 && $0.imagesPerSecond.mean > 0 })
    #expect(ranks == 1 || report.nodes.allSatisfy { $0.messages > 0 && $0.bytesPerSecond.mean > 0 })
    // The first rank of a node is asked.
    #expect(report.nodes.map(\.hottest) == report.nodes.map { 50 + Double($0.ranks[0]) })
  }

  @Test(arguments: [(6, 2, 4), (3, 1, 2), (2, 1, 1), (3, 3, 1), (1, 1, 0)])
  func bitsFlippedAtRandomAreFoundAndNamed(_ ranks: Int, _ perNode: Int, _ victim: Int) throws {
    let report = try report(
      ranks: ranks, perNode: perNode, fault: BurnInFault(rank: victim, share: 0.3, kind: .random))
    let node = victim / perNode
    #expect(!report.isRight)
    #expect(report.nodes.indices.filter { report.nodes[$0].wrong > 0 } == [node], "\(report.errors)")
    #expect(Array(report.nodes[node].wrongLeaves.keys) == [victim] && report.undecided == 0)
    #expect(
      report.errors.contains {
        $0.sentence.hasPrefix("node\(node + 1) computes wrong: ") && $0.details.hasSuffix("rank \(victim)")
      },
      "\(report.errors)")
  }

  /// What is always wrong in the same way is outvoted by two nodes, and not by one.
  @Test func alwaysTheSameWrongBitsNeedAThirdNode() throws {
    let three = try report(ranks: 3, perNode: 1, fault: BurnInFault(rank: 0, share: 0.3, kind: .stuck))
    #expect(three.nodes[0].wrong > 0 && three.undecided == 0, "\(three.errors)")
    let two = try report(ranks: 2, perNode: 1, fault: BurnInFault(rank: 0, share: 0.3, kind: .stuck))
    #expect(two.nodes.allSatisfy { $0.wrong == 0 } && two.undecided > 0 && !two.isRight)
    #expect(
      two.errors.map(\.subject) == ["node1 and node2 differ"], "\(two.errors)")
    #expect(two.errors.contains { $0.details.hasSuffix("a third node would tell which of them is wrong") })
  }

  @Test func aNodeThatSpoilsMessagesIsNamed() throws {
    let report = try report(
      ranks: 4, perNode: 1, rounds: 6, fault: BurnInFault(rank: 2, share: 1, kind: .wire))
    #expect(report.nodes.allSatisfy { $0.wrong == 0 } && !report.isRight)
    #expect(
      report.errors.contains {
        $0.subject == "node3 spoils messages" && $0.details.hasSuffix("3 other nodes")
      },
      "\(report.errors)")
  }

  /// One bad link is no node's fault for certain.
  @Test func aBadLinkIsNamedByItsEnds() {
    var report = BurnInReport(nodes: (1...3).map { (name: "node\($0)", ranks: [$0]) }, secondsAsked: 1)
    report.recordWrongMessages(1, between: 2, and: 0)
    report.recordWrongMessages(2, between: 0, and: 2)
    report.recordWrongMessages(0, between: 0, and: 1)
    #expect(
      report.errors.map(\.sentence) == [
        "between node1 and node3: 3 messages came with other bits than were sent"
      ])
  }

  @Test func drillsAreReadAsTheyAreWritten() throws {
    func read(_ text: String) throws -> BurnInFault? {
      try BurnInFault(environment: [BurnInFault.variable: text])
    }
    #expect(try read("2:0.01:stuck") == BurnInFault(rank: 2, share: 0.01, kind: .stuck))
    #expect(try read("") == nil)
    for text in ["2", "2:0.1", "-1:0.1:random", "1:2:random", "1:nan:wire", "1:0.1:other"] {
      #expect(throws: RunError.self, "\(text)") { try read(text) }
    }
  }

  @Test func aSlowNodeIsTold() {
    var report = BurnInReport(nodes: (0..<3).map { (name: "node\($0)", ranks: [$0]) }, secondsAsked: 1)
    for (index, rate) in [100.0, 80, 102].enumerated() { report.nodes[index].imagesPerSecond.add(rate) }
    #expect(report.isRight && report.errors.isEmpty)
    #expect(report.warnings.map(\.subject) == ["node1 is slow"])
    #expect(report.warnings[0].details.hasPrefix("80 %"))
  }

  @Test func aModelThatMustBeAnotherIsNamed() {
    var report = BurnInReport(nodes: [(name: "a", ranks: [0, 1])], secondsAsked: 1)
    report.recordWrongRecipe(rank: 1, "quick")
    report.recordWrongRecipe(rank: 1, "quick")
    #expect(!report.isRight)
    #expect(
      report.errors.map(\.sentence) == [
        "a computes wrong: rank 1 trains other models in the self-test than there must be (quick)"
      ])
  }
}
