import ArgumentParser
import Collectives
import Formatting
import Foundation
import Jobs
import Reports
import Training

/// `lockstep burn-in`.
struct BurnInCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "burn-in",
    abstract:
      "Load all cores and the network of a cluster for a while, and tell which node computes or sends wrong bits.",
    discussion: """
      Examples:
        mpirun --hostfile hosts -n 64 lockstep burn-in --minutes 60
        mpirun --hostfile hosts -n 64 lockstep burn-in --minutes 60 --json > burn-in.json
      Every rank trains the self-test's recipes, whose models are known, computes what ranks of other nodes compute too, \
      and exchanges messages of known content with them, in changing pairs. Three nodes tell which of them is wrong; of two \
      it is known only if it contradicts itself. Ctrl-C ends with the table so far. Exit code 0: everything was right; 1: \
      something was wrong; 75: stopped, and nothing was wrong until then.
      """)

  @Option(help: "How long.")
  var minutes = 10.0

  @OptionGroup var productOptions: ProductOptions

  @Option(
    help: ArgumentHelp(
      "End the job when a rank has waited for others for this many seconds; 0 to wait for ever.",
      valueName: "seconds"))
  var stallTimeout = StallWatchdog.defaultSeconds

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    try require("--minutes", minutes, in: 0.01...100_000)
    try require("--stall-timeout", Double(stallTimeout), in: 0...86400, "seconds")
  }

  func run() throws {
    try productOptions.choose()
    StopSignals.install()
    let communicator = try RankProcess.world(stallTimeout: stallTimeout)
    let burnIn = try BurnIn(
      over: communicator, host: LocalHost.name, seconds: 60 * minutes,
      fault: try BurnInFault(environment: ProcessInfo.processInfo.environment)
    ) { Temperatures.hottest() }
    let isRoot = communicator.rank == 0
    let terminal = isRoot && !json ? Terminal.current : nil
    if isRoot, !json {
      let nodes = burnIn.report.nodes.count
      print(
        "burn-in: \(nodes) \(nodes == 1 ? "node" : "nodes"), \(communicator.worldSize) "
          + "\(communicator.worldSize == 1 ? "rank" : "ranks"), for \(Numbers.duration(60 * minutes))")
      Console.flush()
    }
    var told: Set<String> = []
    var wasShown = false
    try burnIn.run {
      StopSignals.isStopRequested
    } willStop: { report in
      guard isRoot else { return }
      show(report, terminal)
      wasShown = true
    } didRound: { report in
      guard isRoot, !wasShown else { return }
      // Whoever reads a log need not wait for the end to hear of the first error.
      for error in report.errors where told.insert(error.subject).inserted {
        clear(terminal)
        Console.notice("after \(Numbers.duration(report.seconds)): \(error.sentence)")
      }
      if let terminal { Console.write("\r\u{1B}[2K" + line(report, columns: terminal.columns)) }
    }
    if isRoot, !wasShown { show(burnIn.report, terminal) }
    RankProcess.finish(code: !burnIn.report.isRight ? 1 : burnIn.report.isComplete ? 0 : 75)
  }

  private func clear(_ terminal: Terminal?) {
    if terminal != nil { Console.write("\r\u{1B}[2K") }
  }

  private func line(_ report: BurnInReport, columns: Int) -> String {
    let left = max(report.secondsAsked - report.seconds, 0)
    let facts =
      "\(Numbers.duration(left)) left  \(Numbers.grouped(report.leaves)) leaves, \(Numbers.grouped(report.wrong)) wrong  "
      + "\(Numbers.grouped(report.imagesPerSecond)) images/s"
      + (report.hottest.map { "  \(Numbers.fixed($0, 0)) °C" } ?? "")
    return String(facts.prefix(max(columns - 1, 0)))
  }

  private func show(_ report: BurnInReport, _ terminal: Terminal?) {
    clear(terminal)
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      if let data = try? encoder.encode(report) {
        Console.write(String(decoding: data, as: UTF8.self) + "\n")
      }
      return
    }
    var table = TextTable([
      ("node", .left), ("ranks", .right), ("leaves", .right), ("wrong", .right), ("images/s", .right),
      ("least–most", .right), ("MB/s each way", .right), ("messages", .right), ("errors", .right),
      ("hottest", .right),
    ])
    for node in report.nodes {
      let rate = node.imagesPerSecond
      table.append([
        node.name, "\(node.ranks.count)", Numbers.grouped(node.leaves), Numbers.grouped(node.wrong),
        Numbers.grouped(rate.mean), "\(Numbers.grouped(rate.least))–\(Numbers.grouped(rate.most))",
        node.bytesPerSecond.count > 0 ? Numbers.grouped(node.bytesPerSecond.mean / 1e6) : "—",
        Numbers.grouped(node.messages), Numbers.grouped(node.wrongMessages),
        node.hottest.map { Numbers.fixed($0, 0) + " °C" } ?? "—",
      ])
    }
    print(table.text, terminator: "")
    for finding in report.errors + report.warnings { print(finding.sentence) }
    let rounds = "\(Numbers.grouped(report.rounds)) \(report.rounds == 1 ? "round" : "rounds")"
    let time = "\(Numbers.duration(report.seconds)), \(rounds)"
    if !report.isRight {
      print("FAIL in \(time)")
    } else if report.isComplete {
      print("PASS: all bits were right in \(time)")
    } else {
      print("STOPPED before \(Numbers.duration(report.secondsAsked)): all bits were right in \(time)")
    }
    Console.flush()
  }
}
