import ArgumentParser
import Checkpoints
import Files
import Formatting
import Foundation
import Jobs
import Runs
import Training

/// `lockstep launch`: a training job that outlives the failures of its ranks and hosts.
struct LaunchJob: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch",
    abstract: "Run a training job under mpirun and restart it from its newest checkpoint when it fails.",
    discussion: """
      Examples:
        lockstep launch -- train --run runs/a
        lockstep launch --hostfile hosts -n 8 -- train --run /shared/runs/a --checkpoint-every 500
      After a failure the job starts again, with --resume, on the hosts that still answer; on fewer ranks, if need \
      be: the model is the same. Failures that would happen again (wrong flags, no data, …) end it at once.
      SIGTERM and Ctrl-C save a checkpoint and end with exit code 75; a second one ends at once.
      """)

  @Option(
    name: [.customShort("n"), .long],
    help: "Ranks. Default: this host's cores, or all slots of the hostfile.")
  var ranks: Int?

  @Option(help: ArgumentHelp("Hosts and their slots, as for mpirun.", valueName: "file"))
  var hostfile: String?

  @Option(help: "Restarts in a row without a new checkpoint in between, after which to give up.")
  var maxRestarts = 5

  @Option(
    help: ArgumentHelp(
      "How long to wait, before each start, for hosts that do not answer.",
      discussion: "Then the job starts on the others.", valueName: "seconds"))
  var waitForHosts = 0.0

  @Option(
    help: ArgumentHelp(
      "How to log in to hosts.", discussion: "mpirun is told to do so too.", valueName: "command"))
  var ssh: String?

  @Option(
    help: ArgumentHelp("Further arguments for mpirun, in one word with spaces.", valueName: "arguments"))
  var mpirunOptions = ""

  @Flag(name: .shortAndLong, help: "Show Open MPI's own messages, and each call of mpirun.")
  var verbose = false

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("The command, behind --: train and its arguments.", valueName: "train …"))
  var words: [String] = []

  func validate() throws {
    if let ranks, ranks < 1 { throw ValidationError("-n must be at least 1, found \(ranks)") }
    if maxRestarts < 0 { throw ValidationError("--max-restarts must be at least 0, found \(maxRestarts)") }
    if !(waitForHosts >= 0) {
      throw ValidationError("--wait-for-hosts must be at least 0 seconds, found \(waitForHosts)")
    }
    guard words.first == "train" else {
      throw ValidationError(
        "expected a command behind --, as in: lockstep launch -- train --run runs/a"
          + (words.first.map { ", found '\($0)'" } ?? ""))
    }
    if runFolder == nil {
      throw ValidationError("train needs --run FOLDER here: its checkpoints are where restarts begin")
    }
  }

  func run() throws {
    if RankProcess.isUnderLauncher {
      throw ValidationError("launch starts mpirun itself: call it without mpirun")
    }
    var job = Job(options: self, signals: SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD]))
    throw ExitCode(try job.run())
  }

  /// The argument of `train --run`.
  fileprivate var runFolder: String? {
    for (index, word) in words.enumerated() {
      if word == "--run", index + 1 < words.count { return words[index + 1] }
      if word.hasPrefix("--run=") { return String(word.dropFirst("--run=".count)) }
    }
    return nil
  }

  /// The command for a restart: whatever it was to resume from, now it is the newest checkpoint.
  fileprivate var wordsOfRestart: [String] {
    var result: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--resume=") { continue }
      if word == "--resume" {
        if let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
        continue
      }
      result.append(word)
    }
    return result + ["--resume"]
  }
}

/// A job under way, from its first start to its end.
private struct Job {
  let options: LaunchJob
  let signals: SignalQueue
  var policy: RestartPolicy
  /// Whether somebody asked for a stop.
  var isStopping = false
  /// One line about each start and how it ended.
  var history: [String] = []

  init(options: LaunchJob, signals: SignalQueue) {
    self.options = options
    self.signals = signals
    policy = RestartPolicy(maximumRestarts: options.maxRestarts)
  }

  /// Returns the exit code to end with.
  mutating func run() throws -> Int32 {
    let hostfile = try options.hostfile.map { try Hostfile(path: $0) }
    var words = options.words
    while true {
      let before = newestStep()
      let start = MonotonicClock.now()
      let (code, place) = try attempt(words, hostfile)
      let after = newestStep()
      let seconds = Numbers.duration(MonotonicClock.now() - start)
      let position =
        after.map { "newest checkpoint after step \(Numbers.grouped($0))" } ?? "no checkpoint yet"
      history.append(
        "\(place): ended after \(seconds) with code \(code) (\(RestartPolicy.meaning(ofExitCode: code))), "
          + position)
      if isStopping, code != 0, code != 75 {
        say(history[history.count - 1])
        return code
      }
      switch policy.decide(exitCode: code, hasProgressed: (after ?? -1) > (before ?? -1)) {
      case .finished: return 0
      case .stopped: return 75
      case .giveUp(let reason):
        if history.count > 1 || options.maxRestarts == 0 || code < 64 || code > 78 { report(giveUp: reason) }
        return code
      case .restart(let pause):
        say(
          "\(history[history.count - 1]); restart \(policy.restarts) of \(options.maxRestarts) in \(pause) s")
        guard !isStopped(within: Double(pause)) else { return 75 }
        words = options.wordsOfRestart
      }
    }
  }

  /// Runs mpirun once. Returns its exit code, and where it ran.
  private mutating func attempt(_ words: [String], _ hostfile: Hostfile?) throws -> (
    code: Int32, place: String
  ) {
    guard let hostfile else {
      let processors = ProcessorSet()
      let ranks = options.ranks ?? processors.cores
      let call = MPIRun(
        ranks: ranks, sharesCores: ranks > processors.cores || !processors.isWholeHost,
        options: options.mpirunOptions.words)
      let code = try supervise(call, words)
      return (code, "\(ranks) \(ranks == 1 ? "rank" : "ranks") on this host")
    }
    let names = hostfile.hosts.map(\.name)
    guard let reachable = try reachable(names) else { return (75, "no rank yet") }
    guard let plan = RankPlan(hostfile: hostfile, reachable: reachable, wanted: options.ranks) else {
      return (76, "no host answered")
    }
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-hosts-\(ProcessInfo.processInfo.processIdentifier)").path
    try Data(plan.hostfile.text.utf8).write(to: URL(fileURLWithPath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    var call = MPIRun(
      ranks: plan.ranks, hostfile: file, sharesCores: false, options: options.mpirunOptions.words)
    if let ssh = options.ssh {
      call.parameters.append(("plm_rsh_agent", ssh))
    } else if MPIRun.environment["OMPI_MCA_plm_rsh_agent"] == nil {
      // A login to a host that is gone must not stay when the job has ended.
      call.parameters.append(("plm_rsh_agent", "ssh -o ServerAliveInterval=5 -o ServerAliveCountMax=3"))
    }
    let code = try supervise(call, words)
    let ranks = plan.ranks.map { "\($0) \($0 == 1 ? "rank" : "ranks") on " } ?? ""
    return (code, ranks + plan.hostfile.hosts.map(\.name).joined(separator: ", "))
  }

  /// The hosts that answer, once all do or the time for it is over; nil if somebody asks for a stop meanwhile.
  private mutating func reachable(_ names: [String]) throws -> Set<String>? {
    let end = MonotonicClock.now() + options.waitForHosts
    var isFirst = true
    while true {
      let reachable = try Reachability.reachable(names, ssh: (options.ssh ?? "ssh").words)
      let lost = names.filter { !reachable.contains($0) }
      if lost.isEmpty { return reachable }
      let remaining = end - MonotonicClock.now()
      if isFirst || remaining <= 0 {
        let waits = remaining > 0 ? "; waiting for up to \(Numbers.duration(remaining))" : ""
        say("no answer from \(lost.joined(separator: ", "))\(waits)")
      }
      if remaining <= 0 { return reachable }
      isFirst = false
      if isStopped(within: min(2, remaining)) {
        isStopping = true
        return nil
      }
    }
  }

  /// Runs mpirun to its end; passes requests to stop on.
  private mutating func supervise(_ call: MPIRun, _ command: [String]) throws -> Int32 {
    var call = call
    call.isQuiet = !options.verbose
    // So that an unplugged host is noticed after seconds, not minutes.
    for (name, value) in [("time", "2"), ("intvl", "1"), ("probes", "3")] {
      call.parameters.append(("oob_tcp_keepalive_\(name)", value))
    }
    let words = call.words(command)
    if options.verbose { say(words.joined(separator: " ")) }
    // Hosts were asked meanwhile; mpirun could not pass a signal on before it runs.
    guard !isStopped(within: 0) else { return 75 }
    let child = try ChildProcess(words, environment: MPIRun.environment)
    while true {
      if let code = child.poll() {
        // The signal came before mpirun was ready to pass it on: no rank had started.
        return isStopping && code == 128 + SIGUSR1 ? 75 : code
      }
      switch signals.next(withinSeconds: 60) {
      case SIGTERM, SIGINT, SIGHUP:
        child.signal(isStopping ? SIGTERM : SIGUSR1)
        if !isStopping { say("saving, then stopping (once more to stop at once)") }
        isStopping = true
      default: break
      }
    }
  }

  /// Pauses; true as soon as somebody asks for a stop.
  private func isStopped(within seconds: Double) -> Bool {
    let end = MonotonicClock.now() + seconds
    while true {
      let number = signals.next(withinSeconds: end - MonotonicClock.now())
      if let number, number != SIGCHLD { return true }
      if number == nil, MonotonicClock.now() >= end { return false }
    }
  }

  /// The step of the newest checkpoint, nil if there is none.
  private func newestStep() -> Int? {
    guard let folder = options.runFolder else { return nil }
    let store = CheckpointStore(folder: RunFolder(path: folder).checkpoints, keep: 1)
    return (try? store.list())?.map(\.step).max()
  }

  private func report(giveUp reason: String) {
    say("giving up: \(reason). What was tried:")
    for (index, line) in history.enumerated() { say("  \(index + 1). \(line)") }
    say("go on with the same command once the cause is gone; --verbose shows what Open MPI says")
  }

  private func say(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep launch: \(line)\n".utf8))
  }
}
