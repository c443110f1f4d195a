import ArgumentParser
import Collectives
import Datasets
import Digests
import Formatting
import Foundation
import Jobs
import Reports
import Tensors
import Training

/// `lockstep doctor`: would training work here, and if not, why.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell whether training would work on these hosts, and what to do if not.",
    discussion: """
      Examples:
        mpirun --hostfile hosts -n 8 lockstep doctor --run /shared/runs/first
        lockstep doctor --hostfile hosts
      Under mpirun it shows where each rank runs and compares processors, programs, datasets, clocks and the network \
      between the hosts. With --hostfile it checks that file and whether its hosts can be used, without mpirun.
      Exit code 1: training would fail, hang, or give another model.
      """)

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var productOptions: ProductOptions

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp("The folder that a run is to write, which is tried.", valueName: "folder"))
  var runFolder = "runs"

  @Option(help: ArgumentHelp("Check this hostfile, and the hosts that it names.", valueName: "file"))
  var hostfile: String?

  @Option(help: ArgumentHelp("How to log in to the hostfile's hosts.", valueName: "command"))
  var ssh = "ssh"

  func run() throws {
    if let hostfile {
      guard !RankProcess.isUnderLauncher else {
        throw ValidationError("--hostfile is checked without mpirun: call lockstep doctor --hostfile alone")
      }
      return try HostfileCheck(path: hostfile, ssh: ssh.words).run()
    }
    try productOptions.choose()
    // Whatever hangs here would hang in training.
    let communicator = try RankProcess.world(stallTimeout: 8)
    StallWatchdog.enter("the doctor's questions", step: 0)
    let hosts = try communicator.allGather(Array(Reachability.hostName().utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    let isFirstOnHost = hosts.firstIndex(of: hosts[communicator.rank]) == communicator.rank
    let own = facts(rank: communicator.rank, isFirstOnHost: isFirstOnHost)
    let ranks = try communicator.allGather(Array(JSONEncoder().encode(own))).map {
      try JSONDecoder().decode(RankFacts.self, from: Data($0))
    }
    let links = try LinkProbe.measure(Self.links(hosts), over: communicator) {
      Date().timeIntervalSince1970
    }
    guard communicator.rank == 0 else { RankProcess.finish(code: try verdict(nil, communicator)) }

    var offsets: [String: Double] = [:]
    for link in links where hosts[link.from] == hosts[0] && hosts[link.to] != hosts[0] {
      offsets[hosts[link.to]] = link.clockOffsetSeconds
    }
    let diagnosis = Diagnosis(ranks: ranks, clockOffsets: offsets, runFolderFault: runFolderFault())
    show(diagnosis, links: links, hosts: hosts)
    RankProcess.finish(code: try verdict(diagnosis.findings, communicator))
  }

  /// The exit code that all ranks end with, which the root knows.
  private func verdict(_ findings: [Finding]?, _ communicator: any Communicator) throws -> Int32 {
    let isBad = findings?.contains { $0.level == .problem } ?? false
    return try communicator.allGather(isBad ? [1] : [])[0].isEmpty ? 0 : 1
  }

  // MARK: - Asking

  private func facts(rank: Int, isFirstOnHost: Bool) -> RankFacts {
    let environment = ProcessInfo.processInfo.environment
    let processors = ProcessorSet()
    var facts = RankFacts()
    facts.rank = rank
    facts.host = Reachability.hostName()
    facts.processors = ProcessorSet.allowedList ?? ""
    facts.cores = processors.coreNames
    facts.isBound = !processors.isWholeHost
    facts.processorModel = ProcessorSet.modelName
    facts.products = Products.shared.description
    facts.productsIdentity = Products.shared.identity
    let rates = ProductRates.measure(.shared)
    (facts.peakRate, facts.productRate, facts.bestProductRate) = (rates.peak, rates.inUse, rates.best)
    facts.mpiVersion = RankProcess.isUnderLauncher ? MPICommunicator.libraryVersion : ""
    if isFirstOnHost, let program = FileManager.default.contents(atPath: "/proc/self/exe") {
      facts.binaryDigest = SHA256Digest(of: Array(program)).description
    }
    let memory = Self.value(of: "MemAvailable", in: "/proc/meminfo")?.split(separator: " ").first
    facts.memoryAvailable = memory.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    var shared = statvfs()
    if statvfs("/dev/shm", &shared) == 0 {
      facts.sharedMemoryAvailable = Int(shared.f_bavail) * Int(shared.f_frsize)
    }
    facts.interfaces = NetworkInterface.usable(NetworkInterface.all(), environment: environment)
    facts.yieldsWhenIdle = environment["OMPI_MCA_mpi_yield_when_idle"].map { $0 != "0" } ?? false
    facts.noticesLostHosts = environment["OMPI_MCA_oob_tcp_keepalive_time"] != nil
    if isFirstOnHost { facts.dataset = datasetState() }
    return facts
  }

  private func datasetState() -> RankFacts.DatasetState {
    do {
      let dataset = try dataOptions.open()
      var digests: [Dataset.Split: [SHA256Digest]] = [:]
      for split in Dataset.Split.allCases {
        digests[split] = DatasetIdentity.chunkDigests(of: try dataset.read(split))
      }
      let identity = DatasetIdentity.combine(
        trainCount: dataset.trainCount, testCount: dataset.testCount, train: digests[.train] ?? [],
        test: digests[.test] ?? [])
      return .found(digest: identity.description, name: dataset.name)
    } catch let error as DatasetError where error.kind == .missing {
      return .missing
    } catch {
      return .damaged("\(error)")
    }
  }

  /// The value behind the first `name:` in a file of `name: value` lines.
  private static func value(of name: String, in path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix(name) }?.split(separator: ":", maxSplits: 1).last
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// Who measures with whom: the first host's first two ranks, and its first rank with those of up to seven other hosts.
  private static func links(_ hosts: [String]) -> [(from: Int, to: Int)] {
    let byHost = Dictionary(grouping: hosts.indices) { hosts[$0] }
    let firsts = byHost.values.compactMap(\.first).sorted()
    var links: [(from: Int, to: Int)] = []
    if let pair = byHost[hosts[0]], pair.count > 1 { links.append((pair[0], pair[1])) }
    // Within ten seconds there is time for about eight.
    for first in firsts.dropFirst().prefix(7) { links.append((firsts[0], first)) }
    return links
  }

  /// Tries to write, and leaves nothing behind.
  private func runFolderFault() -> String? {
    let files = FileManager.default
    var existing = URL(fileURLWithPath: runFolder)
    while !files.fileExists(atPath: existing.path), existing.path != "/" {
      existing.deleteLastPathComponent()
    }
    let probe = existing.appendingPathComponent(
      ".lockstep-doctor-\(ProcessInfo.processInfo.processIdentifier)")
    defer { try? files.removeItem(at: probe) }
    do {
      try Data(count: 1 << 20).write(to: probe)
      return nil
    } catch {
      return "the run folder \(runFolder) cannot be written by rank 0: \(error.localizedDescription)"
    }
  }

  // MARK: - Telling

  private func show(_ diagnosis: Diagnosis, links: [LinkFigures], hosts: [String]) {
    var table = TextTable([
      ("rank", .right), ("host", .left), ("processors", .left), ("processor", .left), ("products", .left),
      ("GFLOP/s", .right), ("of peak", .right), ("memory free", .right), ("dataset", .left),
    ])
    for facts in diagnosis.ranks {
      let dataset =
        switch facts.dataset {
        case .notAsked: ""
        case .found(let digest, let name): "\(name) \(digest.prefix(8))"
        case .missing: "none"
        case .damaged: "damaged"
        }
      table.append([
        "\(facts.rank)", facts.host,
        facts.processors + (facts.isBound ? "" : " (not bound)"), facts.processorModel,
        facts.products, Numbers.fixed(facts.productRate / 1e9, 0),
        Numbers.fixed(100 * facts.productRate / facts.peakRate, 0) + " %",
        "\(Numbers.grouped(facts.memoryAvailable / 1_000_000)) MB", dataset,
      ])
    }
    print(table.text)
    for link in links {
      let place =
        hosts[link.from] == hosts[link.to]
        ? "within \(hosts[link.from])" : "\(hosts[link.from]) to \(hosts[link.to])"
      print(
        "rank \(link.from) to \(link.to), \(place): \(Numbers.fixed(link.latencySeconds * 1e6, 1)) µs, "
          + "\(Numbers.fixed(link.bytesPerSecond * 8 / 1e9, 2)) Gbit/s")
    }
    let measured = links.count { hosts[$0.from] != hosts[$0.to] }
    if diagnosis.hosts.count - 1 > measured {
      print(
        "links to \(diagnosis.hosts.count - 1 - measured) further hosts were not measured: it would take longer than ten seconds"
      )
    }
    if diagnosis.hosts.count > 1 {
      for host in diagnosis.hosts {
        let interfaces = diagnosis.ranks.first { $0.host == host }?.interfaces ?? []
        print(
          "\(host) may use \(interfaces.map { "\($0.name) \($0.address)" }.joined(separator: ", "))"
            + (diagnosis.clockOffsets[host].map { ", clock \(Numbers.fixed($0 * 1e3, 1)) ms off" } ?? ""))
      }
    }
    if !links.isEmpty { print("") }
    Self.show(diagnosis.findings, good: "nothing found that would keep training from working")
  }

  static func show(_ findings: [Finding], good: String) {
    for finding in findings {
      print("\(finding.level.rawValue): \(finding.what)")
      if !finding.advice.isEmpty { print("  → \(finding.advice)") }
    }
    if !findings.contains(where: { $0.level == .problem }) { print(good) }
    fflush(nil)
  }
}

/// `lockstep doctor --hostfile`: whether the hosts of a file can be used.
private struct HostfileCheck {
  let path: String
  let ssh: [String]

  /// What a host answers.
  private struct Answer {
    var digest: String?
    var cores: Int?
  }

  func run() throws {
    let hostfile = try Hostfile(path: path)
    let binary = MPIRun.binary
    let own = FileManager.default.contents(atPath: binary).map { SHA256Digest(of: Array($0)).description }
    let command = "sha256sum \(binary) 2>/dev/null; lscpu -p=CORE,SOCKET | grep -v '^#' | sort -u | wc -l"
    let texts = try Reachability.answers(of: hostfile.hosts.map(\.name), ssh: ssh, to: command)

    var table = TextTable([
      ("host", .left), ("slots", .right), ("cores", .right), ("ssh", .left), ("lockstep", .left),
    ])
    var findings: [Finding] = []
    for host in hostfile.hosts {
      let place = "\(path), line \(host.line): \(host.name)"
      let answer = texts[host.name].map(parse)
      let isSame = answer?.digest != nil && answer?.digest == own
      table.append([
        host.name, host.slots.map(String.init) ?? "", answer?.cores.map(String.init) ?? "",
        answer == nil ? "no answer" : "answers",
        answer == nil ? "" : isSame ? "same" : answer?.digest == nil ? "missing" : "another",
      ])
      guard let answer else {
        findings.append(
          Finding(
            .problem, "\(place) does not answer",
            advice: "\(ssh.joined(separator: " ")) \(host.name) true must work without a password"))
        continue
      }
      if !isSame {
        findings.append(
          Finding(
            .problem,
            "\(place) has \(answer.digest == nil ? "no" : "another") program at \(binary)",
            advice: "copy this one there, to the same path, or put it on a shared file system"))
      }
      if let slots = host.slots, let cores = answer.cores, slots > cores {
        findings.append(
          Finding(
            .warning, "\(place) has slots=\(slots) for \(cores) physical cores",
            advice: "slots=\(cores): ranks that share a core take turns"))
      }
    }
    print(table.text)
    Doctor.show(findings, good: "all hosts can be used; `mpirun … lockstep doctor` tells more")
    throw ExitCode(findings.contains { $0.level == .problem } ? 1 : 0)
  }

  private func parse(_ text: String) -> Answer {
    var answer = Answer()
    for line in text.split(separator: "\n") {
      let word = line.split(separator: " ").first.map(String.init) ?? ""
      if word.count == 64 { answer.digest = word } else { answer.cores = Int(word) ?? answer.cores }
    }
    return answer
  }
}
