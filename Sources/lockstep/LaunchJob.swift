import ArgumentParser
import Checkpoints
import Files
import Formatting
import Foundation
import Jobs
import Runs

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
      SIGTERM, Ctrl-C, SIGHUP and SIGUSR1 save a checkpoint and end with exit code 75; a second SIGTERM or Ctrl-C ends \
      at once. SIGUSR2 saves and goes on.
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
      "For drills: kill a random rank about every N seconds.",
      discussion: """
        The run must end with the same model nevertheless. An attempt that brings no new checkpoint makes the storm wait \
        twice as long.
        """, valueName: "seconds"))
  var storm: Double?

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
    try require("-n", ranks, in: 1...mostRanks)
    try require("--max-restarts", maxRestarts, in: 0...Int.max)
    try require("--wait-for-hosts", waitForHosts, in: 0...Double.infinity, "seconds")
    if let storm { try require("--storm", storm, in: 0.1...1e6, "seconds") }
    if storm != nil, maxRestarts == 0 {
      throw ValidationError("--storm needs restarts, found --max-restarts 0")
    }
    guard words.first == "train" else {
      throw ValidationError(
        "expected a command behind --, as in: lockstep launch -- train --run runs/a"
          + (words.first.map { ", found '\($0)'" } ?? ""))
    }
    if maxRestarts > 0, TrainCommand(words: words).runFolder == nil {
      throw ValidationError("train needs --run FOLDER here: its checkpoints are where restarts begin")
    }
  }

  func run() throws {
    if RankProcess.isUnderLauncher {
      throw ValidationError("launch starts mpirun itself: call it without mpirun")
    }
    let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGXCPU, SIGUSR2, SIGCHLD])
    var job = Job(command: TrainCommand(words: words))
    job.ranks = ranks
    job.hostfile = try hostfile.map { try Hostfile(path: $0) }
    job.maximumRestarts = maxRestarts
    job.secondsToWaitForHosts = waitForHosts
    job.storm = storm.map { Storm(seconds: $0) }
    job.loginCommand = ssh
    job.mpirunOptions = mpirunOptions.words
    job.isVerbose = verbose
    let environment = MPIRun.environment
    let folder = job.command.runFolder.map { RunFolder(path: $0) }
    let system = LocalJobSystem(
      signals: signals, login: (ssh ?? "ssh").words, environment: environment,
      checkpoints: { folder.map { Self.checkpoints(in: $0) } ?? [] }, report: report)
    if let storm {
      say("storm: in each attempt a random rank is killed after about \(Numbers.duration(storm))")
    }
    var supervisor = JobSupervisor(
      job, processors: ProcessorSet(), environment: environment, system: system)
    throw ExitCode(try supervisor.run())
  }

  private static func checkpoints(in folder: RunFolder) -> Set<WrittenCheckpoint> {
    let entries = (try? CheckpointStore(folder: folder.checkpoints, keep: 1).list()) ?? []
    return Set(entries.compactMap { WrittenCheckpoint(step: $0.step, path: $0.path) })
  }

  // MARK: - Telling

  private func report(_ event: JobEvent) {
    switch event {
    case .noAnswer(let hosts, let seconds):
      let waits = seconds.map { "; waiting for up to \(Numbers.duration($0))" } ?? ""
      say("no answer from \(hosts.joined(separator: ", "))\(waits)")
    case .calling(let words):
      if verbose { say(words.joined(separator: " ")) }
    case .stopping: say("saving, then stopping (once more to stop at once)")
    case .stopFailed(let attempt): say(sentence(attempt))
    case .restarting(let attempt, let restart, let pause):
      say("\(sentence(attempt)); restart \(restart) of \(maxRestarts) in \(pause) s")
    case .survived(let damage): say(sentence(damage))
    case .givingUp(let reason, let attempts):
      say("giving up: \(reason). What was tried:")
      for (index, attempt) in attempts.enumerated() { say("  \(index + 1). \(sentence(attempt))") }
      let how = TrainCommand(words: words).runFolder == nil ? "--run FOLDER --resume" : "the same command"
      say("go on with \(how) once the cause is gone; --verbose shows what Open MPI says")
    }
  }

  private func sentence(_ attempt: JobAttempt) -> String {
    var position =
      attempt.newestStep.map { ", newest checkpoint after step \(Numbers.grouped($0))" }
      ?? ", no checkpoint yet"
    // train chose the folder itself: what is in it is not known here.
    if TrainCommand(words: words).runFolder == nil { position = "" }
    return "\(attempt.place): ended after \(Numbers.duration(attempt.seconds)) with code \(attempt.exitCode) "
      + "(\(RestartPolicy.meaning(ofExitCode: attempt.exitCode)))\(position)"
  }

  private func sentence(_ damage: StormDamage) -> String {
    // What steps that were taken twice took is not in the run's records, nor are pauses and starts.
    let folder = TrainCommand(words: words).runFolder.map { RunFolder(path: $0) }
    let history = folder.flatMap { try? RunHistory(folder: $0) }
    let kept = history.map { $0.steps.reduce(0) { $0 + $1.seconds.total } }
    let lost = kept.map { ", \(Numbers.duration(max(damage.seconds - $0, 0))) of them lost" } ?? ""
    return "storm: \(damage.kills) \(damage.kills == 1 ? "kill" : "kills"), \(damage.restarts) "
      + "\(damage.restarts == 1 ? "restart" : "restarts"), \(Numbers.duration(damage.seconds)) in all\(lost)"
  }

  private func say(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep launch: \(line)\n".utf8))
  }
}
