import Jobs
import Testing

@Suite struct DiagnosisTests {
  /// Two hosts of two ranks each, nothing wrong with them.
  private func cluster() -> [RankFacts] {
    (0..<4).map { rank in
      var facts = RankFacts()
      facts.rank = rank
      facts.host = "node\(rank / 2 + 1)"
      facts.processors = "\(rank % 2)"
      facts.cores = ["\(rank % 2)"]
      facts.isBound = true
      facts.products = "own 8 lanes"
      facts.productsIdentity = "defined"
      (facts.peakRate, facts.productRate, facts.bestProductRate) = (100e9, 90e9, 95e9)
      facts.mpiVersion = "Open MPI v4.1.4"
      facts.binaryDigest = "abc"
      facts.memoryAvailable = 8_000_000_000
      facts.sharedMemoryAvailable = 1_000_000_000
      facts.interfaces = [NetworkInterface(name: "eth0", address: "10.0.0.\(rank / 2 + 1)")]
      facts.dataset = rank % 2 == 0 ? .found(digest: "d", name: "mnist") : .notAsked
      facts.noticesLostHosts = true
      return facts
    }
  }

  private func findings(_ change: (inout [RankFacts]) -> Void) -> [Finding] {
    var ranks = cluster()
    change(&ranks)
    return Diagnosis(ranks: ranks).findings
  }

  @Test func aSoundClusterHasNoFindings() {
    #expect(findings { _ in } == [])
  }

  /// Who computes products is free; what they give is not.
  @Test func productsOfOtherBitsAreAProblemAndOtherKernelsAreNone() {
    #expect(findings { $0[2].products = "OpenBLAS 0.3.21 SkylakeX, own 16 lanes" } == [])
    let found = findings { ranks in
      for rank in 2..<4 { ranks[rank].productsIdentity = "OpenBLAS 0.3.21 Haswell" }
    }
    #expect(found.map(\.level) == [.problem])
    #expect(found[0].sentence.contains("OpenBLAS 0.3.21 Haswell on rank 2 and 3; defined on rank 0 and 1"))
    #expect(found[0].advice.contains("--products openblas"))
  }

  @Test func slowProductsAreAWarningThatNamesThem() {
    let found = findings { ranks in
      ranks[1].products = "OpenBLAS 0.3.21 Prescott"
      ranks[1].productRate = 28.5e9
    }
    #expect(found.map(\.level) == [.warning])
    #expect(found[0].sentence.contains("rank 1 multiplies matrices (OpenBLAS 0.3.21 Prescott) at 30 %"))
  }

  @Test func coresThatAreSlowWhileAllComputeAreNamed() {
    var ranks = cluster()
    for rank in 0..<4 { ranks[rank].coreRate = [20_000, 19_000, 10_000, 17_000][rank] }
    let diagnosis = Diagnosis(ranks: ranks)
    #expect(diagnosis.coreRates == 10_000...20_000)
    #expect(diagnosis.findings.map(\.level) == [.warning])
    #expect(
      diagnosis.findings[0].sentence.hasSuffix("against the fastest: rank 2 (50 %) and 3 (85 %) on node2"))
    #expect(findings { for rank in 0..<4 { $0[rank].coreRate = 20_000 - 500 * Double(rank) } } == [])
  }

  @Test func ranksThatShareCoresSayNothingOfTheirSpeed() {
    func slowed(_ change: (inout [RankFacts]) -> Void) -> Diagnosis {
      var ranks = cluster()
      for rank in 0..<4 { ranks[rank].coreRate = rank == 3 ? 10_000 : 20_000 }
      change(&ranks)
      return Diagnosis(ranks: ranks)
    }
    func names(_ diagnosis: Diagnosis) -> Bool {
      diagnosis.findings.contains { $0.sentence.contains("(50 %)") }
    }
    #expect(names(slowed { _ in }))
    // More ranks than cores on node2; then two ranks of it bound to one of two cores.
    #expect(!names(slowed { ranks in for rank in 2..<4 { ranks[rank].cores = ["0"] } }))
    #expect(!names(slowed { $0[2].cores = ["0", "1"] }))
    #expect(slowed { ranks in for rank in 2..<4 { ranks[rank].cores = ["0"] } }.coreRates == 20_000...20_000)
    // A rank alone has nobody to be compared with.
    #expect(Diagnosis(ranks: Array(slowed { _ in }.ranks.prefix(1))).coreRates == nil)
  }

  @Test func ofManySlowCoresTheSlowestAreNamed() {
    var ranks: [RankFacts] = []
    for rank in 0..<12 {
      var facts = cluster()[0]
      (facts.rank, facts.cores, facts.processors) = (rank, ["\(rank)"], "\(rank)")
      facts.coreRate = rank == 0 ? 100 : 80 - Double(rank)
      ranks.append(facts)
    }
    let found = Diagnosis(ranks: ranks).findings.filter { $0.sentence.contains("cores") }
    #expect(found.count == 1 && found[0].sentence.contains("rank 4 (76 %), 5 (75 %)"), "\(found)")
    #expect(found.allSatisfy { $0.sentence.hasSuffix("11 (69 %) on node1, and 3 more") })
  }

  @Test func whatDiffersIsAProblem() {
    let changes: [(inout [RankFacts]) -> Void] = [
      { $0[2].binaryDigest = "other" }, { $0[3].productsIdentity = "OpenBLAS 0.3.29 Zen" },
      { $0[3].mpiVersion = "Open MPI v5.0.1" }, { $0[2].dataset = .found(digest: "e", name: "mnist") },
      { $0[2].dataset = .damaged("train-labels: 77") },
      { ranks in for rank in [0, 2] { ranks[rank].dataset = .missing } },
      { ranks in for rank in 2..<4 { ranks[rank].memoryAvailable = 50_000_000 } },
    ]
    for (index, change) in changes.enumerated() {
      let found = findings(change)
      #expect(found.map(\.level) == [.problem], "change \(index): \(found)")
      #expect(!found[0].advice.isEmpty)
    }
    let folder = Diagnosis(ranks: cluster(), runFolderFault: "the run folder x cannot be written")
    #expect(folder.findings.map(\.level) == [.problem])
  }

  @Test func ranksOfOneHostWithOtherDataOrProgramsAreNamed() {
    let data = findings { $0[1].dataset = .found(digest: "e", name: "mnist") }
    #expect(data.map(\.level) == [.problem])
    #expect(
      data[0].sentence == "the datasets differ: SHA-256 d on rank 0 of node1 and node2; e on rank 1 of node1",
      "\(data)")
    let builds = findings { $0[1].binaryDigest = "other" }
    #expect(builds.map(\.level) == [.problem] && builds[0].sentence.contains("other on rank 1"), "\(builds)")
  }

  @Test func theDatasetIsTold() {
    let found = findings { ranks in
      for rank in [0, 2] {
        ranks[rank].dataset = .found(
          digest: "d", name: "mnist", recognition: "the dataset mnist is MNIST as published")
      }
    }
    #expect(found == [Finding(.note, "the dataset mnist is MNIST as published")])
  }

  @Test func whatIsOnlySlowIsAWarning() {
    let changes: [(inout [RankFacts]) -> Void] = [
      // Two ranks on one core; two ranks bound to one of two cores; ranks dealt to hosts in turns.
      { ranks in for rank in 0..<2 { ranks[rank].cores = ["0"] } },
      { ranks in
        ranks[0].cores = ["0", "1"]
        ranks[1].cores = ["1"]
      },
      { ranks in
        for rank in 0..<4 {
          ranks[rank].host = "node\(rank % 2 + 1)"
          ranks[rank].cores = ["\(rank)"]
          ranks[rank].interfaces = []
        }
      },
      { ranks in
        for rank in 0..<4 { ranks[rank].interfaces.append(.init(name: "docker0", address: "172.17.0.1")) }
      },
    ]
    for (index, change) in changes.enumerated() {
      let found = findings(change).filter { $0.level != .note }
      #expect(found.map(\.level) == [.warning], "change \(index): \(found)")
    }
    let clocks = Diagnosis(ranks: cluster(), clockOffsets: ["node2": -75]).findings
    #expect(clocks.map(\.sentence) == ["the clock of node2 is 75 s behind that of node1"])
  }

  @Test func aHostWithoutTheDatasetIsSentItsShare() {
    let found = findings { $0[2].dataset = .missing }
    #expect(found.map(\.level) == [.note] && found[0].sentence.hasPrefix("node2 without the dataset"))
  }

  @Test func openMPIsParametersChooseInterfaces() {
    let all = [
      NetworkInterface(name: "eth0", address: "10.0.3.1"),
      NetworkInterface(name: "ib0", address: "192.168.7.1"),
    ]
    func names(_ environment: [String: String]) -> [String] {
      NetworkInterface.usable(all, environment: environment).map(\.name)
    }
    #expect(names([:]) == ["eth0", "ib0"])
    #expect(names(["OMPI_MCA_btl_tcp_if_include": "ib0"]) == ["ib0"])
    #expect(names(["OMPI_MCA_btl_tcp_if_include": "10.0.0.0/16"]) == ["eth0"])
    #expect(names(["OMPI_MCA_btl_tcp_if_exclude": "lo,10.0.3.0/24"]) == ["ib0"])
  }
}
