import Foundation
import Jobs
import Testing

@Suite struct HostfileCheckTests {
  private let digest = String(repeating: "a", count: 64)

  private func check(program: String = "/opt/lockstep") throws -> HostfileCheck {
    HostfileCheck(
      hostfile: try Hostfile(parsing: "one slots=2\ntwo slots=4\n", origin: "hosts"), path: "hosts",
      login: ["ssh", "-p", "22"], program: program, digest: digest)
  }

  @Test func hostsAreComparedWithThisProgram() throws {
    let check = try check()
    let same = HostfileCheck.Answer(parsing: "\(digest)  -\n4\n")
    #expect(same.cores == 4 && check.programState(same) == .same)
    #expect(check.findings(["one": same, "two": same]) == [])
    let other = HostfileCheck.Answer(parsing: String(repeating: "b", count: 64) + "  -\n2\n")
    #expect(check.programState(other) == .another)
    let findings = check.findings(["two": other])
    #expect(findings.map(\.level) == [.problem, .problem, .warning])
    #expect(findings[0].sentence == "hosts, line 1: one does not answer")
    #expect(findings[0].advice == "ssh -p 22 one true must work without a password")
    #expect(findings[1].sentence == "hosts, line 2: two has another program at /opt/lockstep")
    #expect(findings[2].sentence == "hosts, line 2: two has slots=4 for 2 physical cores")
    #expect(check.programState(HostfileCheck.Answer(parsing: "2\n")) == .missing)
  }

  @Test func aHostThatCannotCountItsCoresIsNotToldThatItHasNone() throws {
    let answer = HostfileCheck.Answer(parsing: "\(digest)  -\n0\n")
    #expect(answer.cores == nil)
    #expect(try check().findings(["one": answer, "two": answer]) == [])
  }

  /// The command is read by a shell once more, wherever the program lies.
  @Test func theCommandFindsAProgramWhateverItsPath() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep it's $HOME; \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = folder.appendingPathComponent("lock step").path
    try Data("hello\n".utf8).write(to: URL(fileURLWithPath: program))
    let output = folder.appendingPathComponent("output").path
    let child = try ChildProcess(
      ["sh", "-c", try check(program: program).command], output: .file(output))
    #expect(child.wait() == 0)
    let answer = HostfileCheck.Answer(parsing: try String(contentsOfFile: output, encoding: .utf8))
    #expect(answer.digest == RankFacts.digest(ofFile: program))
  }
}

@Suite struct DoctorTests {
  @Test func linksToMeasureAreFew() {
    func links(_ hosts: String) -> [[Int]] {
      LinkPlan.links(hosts: hosts.map(String.init)).map { [$0.from, $0.to] }
    }
    #expect(links("a") == [])
    #expect(links("aaa") == [[0, 1]])
    #expect(links("aabbc") == [[0, 1], [0, 2], [0, 4]])
    #expect(links("abab") == [[0, 2], [0, 1]])
    #expect(links("abcdefghijkl").map { $0[1] } == [1, 2, 3, 4, 5, 6, 7])
  }

  @Test func aRunFolderIsTriedAndLeftAsItWas() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-probe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(RunFolderProbe.fault(of: folder.appendingPathComponent("runs/first").path) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let fault = RunFolderProbe.fault(of: "/proc/nowhere") ?? ""
    #expect(
      fault.hasPrefix("the run folder /proc/nowhere cannot be written by rank 0: /proc/")
        && fault.hasSuffix("cannot be created: No such file or directory"), "\(fault)")
  }

  @Test func aRankKnowsItsHost() {
    let facts = RankFacts(
      rank: 3,
      environment: ["OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_oob_tcp_keepalive_time": "2"])
    #expect(facts.rank == 3 && facts.host == LocalHost.name && facts.binaryDigest == ProgramIdentity.current)
    #expect(facts.memoryAvailable > 0 && !facts.cores.isEmpty && !facts.processors.isEmpty)
    #expect(facts.yieldsWhenIdle && facts.noticesLostHosts)
    #expect(LocalHost.isNamed("me@localhost") && LocalHost.isNamed(LocalHost.name))
    #expect(!LocalHost.isNamed("elsewhere"))
  }
}
