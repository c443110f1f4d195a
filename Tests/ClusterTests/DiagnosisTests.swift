import Cluster
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
      facts.instructionSets = ["avx", "avx2", "fma"]
      facts.kernel = "Haswell"
      facts.blasVersion = "OpenBLAS 0.3.21"
      facts.mpiVersion = "Open MPI v4.1.4"
      facts.binaryDigest = rank % 2 == 0 ? "abc" : ""
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

  /// The advice must be a kernel that the older processor can run.
  @Test func mixedKernelsAreAProblemWithAWayOut() {
    let found = findings { ranks in
      for rank in 2..<4 {
        ranks[rank].kernel = "SkylakeX"
        ranks[rank].instructionSets += ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"]
      }
    }
    #expect(found.map(\.level) == [.problem])
    #expect(found[0].what.contains("Haswell on rank 0 and 1; SkylakeX on rank 2 and 3"))
    #expect(found[0].advice.contains("OPENBLAS_CORETYPE=Haswell"))
    #expect(
      Diagnosis(ranks: Array(cluster().dropFirst())).commonKernel == "Haswell")
    var old = cluster()
    old[3].instructionSets = []
    #expect(Diagnosis(ranks: old).commonKernel == "Nehalem")
  }

  @Test func whatDiffersIsAProblem() {
    let changes: [(inout [RankFacts]) -> Void] = [
      { $0[2].binaryDigest = "other" }, { $0[3].blasVersion = "OpenBLAS 0.3.29" },
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
    #expect(clocks.map(\.what) == ["the clock of node2 is 75 s behind that of node1"])
  }

  @Test func aHostWithoutTheDatasetIsSentItsShare() {
    let found = findings { $0[2].dataset = .missing }
    #expect(found.map(\.level) == [.note] && found[0].what.hasPrefix("node2 without the dataset"))
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
