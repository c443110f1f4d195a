import ArgumentParser
import Collectives
import Files
import Formatting
import Foundation
import Jobs
import Reports
import Runs
import Scaling
import Tensors
import Training

/// `lockstep grade`: whether a reduction of one's own is right, what it sends, and how long it takes.
struct Grade: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Try a reduction plugin: is it right, does it hang, what does it send, how long does it take.",
    discussion: """
      Examples:
        lockstep grade ring.so
        lockstep grade ring.so --ranks 2,3,4,8 --network 100mbit,1ms
      Starts mpirun itself for each number of ranks. Sums are compared with exact ones, among the ranks and among \
      repetitions; messages are counted through MPI's profiling interface. With --network every rank is a host of its own \
      in cluster/lab, which needs root, with links of that rate and latency. See docs/course. Exit code 0: right; 1: wrong.
      """)

  @Argument(
    help: ArgumentHelp("A shared library as lockstep_reduction.h describes it.", valueName: "library.so"))
  var library: String

  @Option(help: "The numbers of ranks, with commas.")
  var ranks = "2,4,8"

  @Option(
    help: ArgumentHelp("How long a call may take before it counts as hanging.", valueName: "seconds"))
  var limit = 10.0

  @Option(
    help: ArgumentHelp(
      "Rate and latency of the links between hosts of the lab, e.g. 100mbit,1ms. Default: ranks on this machine.",
      valueName: "rate,latency"))
  var network: String?

  @Option(
    help: ArgumentHelp("Where the lab is. Default: cluster/lab/lab of this checkout.", valueName: "script"))
  var lab: String?

  @Flag(help: "Print JSON instead of tables.")
  var json = false

  /// What grade itself calls on the ranks.
  @Option(
    help: ArgumentHelp("Try the library on this job's ranks.", valueName: "folder", visibility: .hidden))
  var trial: String?

  func validate() throws {
    try requireName(library, "the library")
    try require("--limit", limit, in: 0.1...86400, "seconds")
    _ = try rankList()
    if let network, CostModel.Link(parsing: network) == nil {
      throw ValidationError("--network: expected RATE,LATENCY as in 100mbit,1ms, found '\(network)'")
    }
    if lab != nil, network == nil { throw ValidationError("--lab belongs to --network") }
  }

  private func rankList() throws -> [Int] {
    let list = ranks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard list.allSatisfy({ (1...1024).contains($0) }), Set(list).count == list.count else {
      throw ValidationError(
        "--ranks: expected different numbers from 1 to 1024 with commas, found '\(ranks)'")
    }
    return list.sorted()
  }

  func run() throws {
    if let trial { return try runTrial(trial) }
    guard !RankProcess.isUnderLauncher else {
      throw ValidationError("grade starts mpirun itself: call it without mpirun")
    }
    // What is no plugin at all need not be tried on ranks.
    _ = try ReductionPlugin(path: library)
    let environment = MPIRun.environment
    let hosts = try labHosts(environment)
    let outcomes = try outcomes(on: hosts, environment)
    if json {
      try showJSON(outcomes, inLab: hosts != nil)
    } else {
      show(outcomes, inLab: hosts != nil)
    }
    throw ExitCode(outcomes.allSatisfy { $0.faults.isEmpty } ? 0 : 1)
  }

  // MARK: - On the ranks

  /// Tries the library together with the other ranks, and leaves what was found in a folder.
  private func runTrial(_ folder: String) throws {
    // Who started this watches over calls that do not return.
    let communicator = try RankProcess.world(stallTimeout: 0)
    let log = try GrowingFile(path: PluginGrading.logPath(folder, rank: communicator.rank), startingWith: [])
    let plugin = try ReductionPlugin(path: library)
    let count = try Recipe.named("quick")?.flatElementCount() ?? 1
    let trial = PluginTrial(of: plugin, over: communicator, gradientCount: count) { event in
      try log.append(Array((event.line + "\n").utf8))
    }
    let figures = try trial.run()
    if communicator.rank == 0 {
      try writeFile(JSONEncoder().encode(figures), to: folder + "/" + PluginGrading.figuresName)
    }
    RankProcess.finish(code: 0)
  }

  // MARK: - Around them

  private func outcomes(
    on hosts: LabHosts?, _ environment: [String: String]
  ) throws -> [PluginGrading.Outcome] {
    let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    let program = MPIRun.program
    let command = ["grade", URL(fileURLWithPath: library).path, "--trial"]
    let processors = ProcessorSet()
    let grading = PluginGrading(limit: limit, environment: environment, signals: signals) { ranks, command in
      if let hosts { return hosts.words(command, ranks: ranks, program: program) }
      let binding = Binding(ranks: ranks, processors: processors)
      return MPIRun(ranks: ranks, binding: binding).words(command, program: program, environment: environment)
    }
    return try rankList().map { ranks in
      note("\(ranks) \(ranks == 1 ? "rank" : "ranks")")
      defer { hosts?.end() }
      if let hosts, let parts = network?.split(separator: ","), parts.count == 2 {
        try hosts.start(count: ranks, rate: String(parts[0]), delay: String(parts[1]))
      }
      guard let outcome = try grading.run(ranks: ranks, command) else {
        note("stopped")
        throw ExitCode(130)
      }
      return outcome
    }
  }

  /// The lab's hosts, if they are wanted and can be had.
  private func labHosts(_ environment: [String: String]) throws -> LabHosts? {
    guard network != nil else { return nil }
    guard let script = LabHosts.find(path: lab, program: MPIRun.program), getuid() == 0 else {
      note(
        "no lab (it needs root and \(lab ?? "cluster/lab/lab")): ranks are on this machine, without --network"
      )
      return nil
    }
    return LabHosts(script: script, environment: environment)
  }

  // MARK: - Telling

  private func showJSON(_ outcomes: [PluginGrading.Outcome], inLab: Bool) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    let report = PluginReport(library: library, network: inLab ? network : nil, outcomes: outcomes)
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  private func show(_ outcomes: [PluginGrading.Outcome], inLab usesLab: Bool) {
    var table = TextTable([
      ("ranks", .right), ("right", .left), ("same on all ranks", .left), ("same again", .left),
      ("order of additions", .left), ("messages a rank", .right), ("KB a rank", .right),
      ("collectives", .left),
    ])
    for case .tried(let figures) in outcomes {
      table.append([
        "\(figures.ranks)", figures.faults.isEmpty ? "yes" : "no", figures.agreesAcrossRanks ? "yes" : "no",
        figures.agreesOnRepetition ? "yes" : "no", figures.order.rawValue,
        range(figures.traffic.map(\.messages)) { Numbers.grouped($0) },
        range(figures.traffic.map(\.bytes)) { Numbers.fixed(Double($0) / 1e3, 1) },
        figures.collectives.map { "\($0.name) \($0.calls)" }.joined(separator: ", "),
      ])
    }
    let tried = outcomes.compactMap(\.figures)
    if let first = tried.first {
      print("\(library): a sum of \(Numbers.grouped(first.trafficCount)) floats, those of quick's gradients")
      print(table.text)
    }
    showTimes(tried, inLab: usesLab)
    for outcome in outcomes {
      for fault in outcome.faults {
        print("wrong with \(outcome.ranks) \(outcome.ranks == 1 ? "rank" : "ranks"): \(fault)")
      }
    }
    if let note = tried.first(where: { !$0.agreesOnRepetition })?.ranks {
      print(
        "note: with \(note) ranks the same floats do not always give the same bits, so no run can be repeated"
      )
    }
    if let name = tried.lazy.flatMap(\.collectives).first(where: { $0.name != "MPI_Barrier" })?.name {
      print("note: \(name) does some of the work")
    }
    print(outcomes.allSatisfy { $0.faults.isEmpty } ? "PASS" : "FAIL")
    Console.flush()
  }

  /// What calls took, beside what the cost model expects of the links: those that were asked for, or as they were measured.
  private func showTimes(_ figures: [PluginFigures], inLab: Bool) {
    let asked = inLab ? network.flatMap { CostModel.Link(parsing: $0) } : nil
    let cores = ProcessorSet().cores
    var table = TextTable([
      ("ranks", .right), ("floats", .right), ("measured µs", .right), ("MPI_Allreduce", .right),
      ("expected: naive", .right), ("tree", .right), ("ring", .right),
    ])
    for one in figures where one.link != nil {
      for time in one.times {
        func cell(_ seconds: Double?) -> String {
          seconds.map { $0 < 1e-3 ? Numbers.fixed(1e6 * $0, 1) : Numbers.grouped(1e6 * $0) } ?? "–"
        }
        // Ranks that take turns on a core measure these turns.
        let link = asked ?? (one.ranks > cores ? nil : one.link)
        table.append(
          [
            "\(one.ranks)\(one.ranks > cores ? "*" : "")", Numbers.grouped(time.count), cell(time.seconds),
            cell(time.nativeSeconds),
          ]
            + TextbookReduction.allCases.map { reduction in
              cell(link.map { $0.seconds(reduction, ranks: one.ranks, bytes: Double(4 * time.count)) })
            })
      }
    }
    guard figures.contains(where: { $0.link != nil }) else { return }
    print(table.text, terminator: "")
    if let asked {
      print("expected by the cost model of links of \(words(asked)), and of nothing else")
    } else if let own = figures.last(where: { $0.link != nil && $0.ranks <= cores })?.link {
      print("expected by the cost model of the link between two ranks as it was measured: \(words(own))")
    }
    if figures.contains(where: { $0.ranks > cores }) { print("* more ranks than cores, which take turns") }
    print("")
  }

  private func words(_ link: CostModel.Link) -> String {
    "\(Numbers.fixed(link.latencySeconds * 1e6, 1)) µs and \(Numbers.fixed(link.bytesPerSecond * 8 / 1e9, 3)) Gbit/s"
  }

  /// The least and the most, or what both look like.
  private func range(_ values: [Int], _ text: (Int) -> String) -> String {
    guard let least = values.min().map(text), let most = values.max().map(text) else { return "" }
    return least == most ? least : "\(least)–\(most)"
  }

  private func note(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep grade: \(line)\n".utf8))
  }
}
