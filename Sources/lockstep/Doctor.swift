import ArgumentParser
import Collectives
import Datasets
import Digests
import Files
import Formatting
import Foundation
import Jobs
import Reports
import Scaling
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
      between the hosts, and warns of cores that are slower than others. With --hostfile it checks that file and whether its hosts can be used, without mpirun.
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
      return try check(hostfile)
    }
    try productOptions.choose()
    // Whatever hangs here would hang in training.
    let communicator = try RankProcess.world(
      stallTimeout: 8, sameArguments: false, sameBuild: false)
    communicator.willEnter("the doctor's questions", step: 0)
    let hosts = try communicator.allGather(Array(LocalHost.name.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    // Ranks of a host that would read the same files need not all read them.
    let storage = (try? dataOptions.open())?.storageIdentity ?? ""
    let files = try communicator.allGather(Array((hosts[communicator.rank] + "\n" + storage).utf8))
    let isFirst = files.firstIndex(of: files[communicator.rank]) == communicator.rank
    let dataset = try datasetState(communicator, isFirst: isFirst)
    let own = try facts(communicator, dataset)
    let ranks = try communicator.allGather(Array(JSONEncoder().encode(own))).map {
      try JSONDecoder().decode(RankFacts.self, from: Data($0))
    }
    let links = try LinkProbe.measure(LinkPlan.links(hosts: hosts), over: communicator) {
      Date().timeIntervalSince1970
    }
    guard communicator.rank == 0 else { RankProcess.finish(code: try verdict(nil, communicator)) }

    var offsets: [String: Double] = [:]
    for link in links where hosts[link.from] == hosts[0] && hosts[link.to] != hosts[0] {
      offsets[hosts[link.to]] = link.clockOffsetSeconds
    }
    let diagnosis = Diagnosis(
      ranks: ranks, clockOffsets: offsets, runFolderFault: RunFolderProbe.fault(of: runFolder))
    show(diagnosis, links: links, hosts: hosts)
    RankProcess.finish(code: try verdict(diagnosis.findings, communicator))
  }

  /// Checks a hostfile and its hosts, without mpirun.
  private func check(_ path: String) throws {
    let check = HostfileCheck(
      hostfile: try Hostfile(path: path), path: path, login: ssh.words, program: MPIRun.program,
      digest: RankFacts.digest(ofFile: MPIRun.program))
    let answers = try check.ask()
    let findings = check.findings(answers)
    show(check, answers: answers, findings: findings)
    throw ExitCode(findings.hasProblem ? 1 : 0)
  }

  /// The exit code that all ranks end with, which the root knows.
  private func verdict(_ findings: [Finding]?, _ communicator: any Communicator) throws -> Int32 {
    try communicator.allGather(findings?.hasProblem == true ? [1] : [])[0].isEmpty ? 0 : 1
  }

  // MARK: - Asking

  /// What the system, the products, MPI and the dataset, if this rank was to look at it, tell of this rank.
  private func facts(
    _ communicator: any Communicator, _ dataset: RankFacts.DatasetState?
  ) throws -> RankFacts {
    var facts = RankFacts(
      rank: communicator.rank, environment: ProcessInfo.processInfo.environment)
    facts.products = Products.shared.description
    facts.productsIdentity = Products.shared.identity
    let rates = ProductRates.measure(.shared)
    (facts.peakRate, facts.productRate, facts.bestProductRate) = (rates.peak, rates.inUse, rates.best)
    communicator.willEnter("the measurement of cores", step: 0)
    facts.coreRate = try CoreProbe.measure(over: communicator)
    facts.mpiVersion = RankProcess.isUnderLauncher ? MPICommunicator.libraryVersion : ""
    if let dataset { facts.dataset = dataset }
    return facts
  }

  /// What the first rank of those that would read the same files finds in the dataset, all of which it reads; nil on the
  /// others.
  private func datasetState(
    _ communicator: any Communicator, isFirst: Bool
  ) throws -> RankFacts.DatasetState? {
    communicator.willEnter("the reading of the dataset", step: 0)
    let path = dataOptions.data
    let start = MonotonicClock.now()
    var hasTold = false
    let reading: @Sendable () -> RankFacts.DatasetState = { Self.datasetState(path) }
    return try communicator.patiently(isFirst ? reading : nil) { (ranks: [Int]) in
      guard communicator.rank == 0, !hasTold, MonotonicClock.now() - start > 8 else { return }
      hasTold = true
      let names = ranks.map(String.init).joined(separator: ", ")
      Console.notice("rank \(names) still \(ranks.count == 1 ? "reads its" : "read their") dataset")
    }
  }

  private static func datasetState(_ path: String?) -> RankFacts.DatasetState {
    do {
      var options = DataOptions()
      options.data = path
      let dataset = try options.open()
      let digest = try dataset.identity()
      let recognition = PublishedDataset.recognition(
        trainCount: dataset.trainCount, testCount: dataset.testCount, shape: dataset.format.shape,
        digest: digest,
        isSynthetic: dataset.isSynthetic)
      return .found(
        digest: digest.description, name: dataset.name,
        recognition: recognition.map { "the dataset \(dataset.name) \($0.description)" } ?? "")
    } catch let error as FileError where error.kind == .missing {
      return .missing
    } catch {
      return .damaged("\(error)")
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
        case .found(let digest, let name, _): "\(name) \(digest.prefix(8))"
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
    if let rates = diagnosis.coreRates {
      print(
        "cores, all at once: \(Numbers.grouped(rates.lowerBound))–\(Numbers.grouped(rates.upperBound)) "
          + "images/s, \(Numbers.fixed(100 * (1 - rates.lowerBound / rates.upperBound), 1)) % apart")
    }
    if !links.isEmpty { print("") }
    show(diagnosis.findings, good: "nothing found that would keep training from working")
  }

  private func show(_ check: HostfileCheck, answers: [String: HostfileCheck.Answer], findings: [Finding]) {
    var table = TextTable([
      ("host", .left), ("slots", .right), ("cores", .right), ("ssh", .left), ("lockstep", .left),
    ])
    for host in check.hostfile.hosts {
      let answer = answers[host.name]
      table.append([
        host.name, check.hostfile.slots(of: host, cores: answer?.cores).map(String.init) ?? "",
        answer?.cores.map(String.init) ?? "",
        answer == nil ? "no answer" : "answers", answer.map { check.programState($0).rawValue } ?? "",
      ])
    }
    print(table.text)
    show(findings, good: "all hosts can be used; `mpirun … lockstep doctor` tells more")
  }

  private func show(_ findings: [Finding], good: String) {
    for finding in findings {
      print("\(finding.level.rawValue): \(finding.sentence)")
      if !finding.advice.isEmpty { print("  → \(finding.advice)") }
    }
    if !findings.hasProblem { print(good) }
    Console.flush()
  }
}
