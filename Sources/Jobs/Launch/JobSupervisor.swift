#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A training job as a user asks for it.
package struct Job: Hashable, Sendable {
  /// What all ranks run.
  package var command: TrainCommand
  /// The number of ranks; nil for this host's cores, or all slots of the hostfile.
  package var ranks: Int?
  /// The hosts to run on; nil for this one.
  package var hostfile: Hostfile?
  /// Restarts in a row without a new checkpoint in between, after which to give up.
  package var maximumRestarts = 5
  /// How long to wait before each start for hosts that do not answer, in seconds.
  package var secondsToWaitForHosts = 0.0
  /// Failures on purpose; nil for none.
  package var storm: Storm?
  /// How `mpirun` logs in to hosts; nil for ssh, or what the environment says.
  package var loginCommand: String?
  /// Further arguments for `mpirun`.
  package var mpirunOptions: [String] = []
  /// Whether Open MPI's own messages are shown.
  package var isVerbose = false

  /// A job of `command` on this host.
  package init(command: TrainCommand) {
    self.command = command
  }
}

/// Runs a job from its first start to its end: starts `mpirun`, passes requests to stop on, and starts it
/// again from the newest checkpoint after a failure, on the hosts that still answer.
package struct JobSupervisor {
  private let job: Job
  private let processors: ProcessorSet
  private let environment: [String: String]
  private let system: any JobSystem
  private var policy: RestartPolicy
  /// Whether somebody asked for a stop.
  private var isStopping = false
  private var attempts: [JobAttempt] = []

  /// How long mpirun may take to end, in seconds, when nothing that it has started is left.
  private static let patienceWithoutRanks = 15.0

  /// A supervisor on a host with `processors`; `environment` is what `mpirun` is called in.
  package init(
    _ job: Job, processors: ProcessorSet, environment: [String: String], system: any JobSystem
  ) {
    self.job = job
    self.processors = processors
    self.environment = environment
    self.system = system
    policy = RestartPolicy(maximumRestarts: job.maximumRestarts)
  }

  /// Runs the job to its end and returns the exit code to end with.
  ///
  /// - Throws: what the system throws: hosts cannot be asked, `mpirun` cannot be started.
  package mutating func run() throws -> Int32 {
    var command = job.command
    let begin = system.now()
    // What was there before the job is not its work: until it has saved something, it begins where it was told to.
    var known = system.checkpoints()
    var hasSaved = false
    while true {
      let start = system.now()
      let (code, place) = try attempt(command)
      let found = system.checkpoints()
      let hasProgressed = !found.isSubset(of: known)
      known.formUnion(found)
      hasSaved = hasSaved || hasProgressed
      let after = found.map(\.step).max()
      let attempt = JobAttempt(
        place: place, seconds: system.now() - start, exitCode: code, newestStep: after)
      attempts.append(attempt)
      if isStopping, code != 0, code != 75 {
        system.report(.stopFailed(attempt))
        return code
      }
      switch policy.decide(exitCode: code, hasProgressed: hasProgressed) {
      case .finished:
        if job.storm != nil { system.report(.survived(damage(since: begin))) }
        return 0
      case .stopped: return 75
      case .giveUp(let reason):
        // Where the only attempt ended with a rank's own sentence, e.g. on wrong flags, nothing is left to
        // explain.
        let isExplained =
          attempts.count == 1 && RestartPolicy.isFinal(exitCode: code)
          && RestartPolicy.isExplained(exitCode: code)
        if !isExplained { system.report(.givingUp(reason: reason, attempts: attempts)) }
        return code
      case .restart(let pause):
        system.report(.restarting(after: attempt, restart: policy.restarts, pauseSeconds: pause))
        guard !isStopped(within: Double(pause)) else { return 75 }
        command = job.command.restarted(hasCheckpoint: hasSaved)
      }
    }
  }

  private func damage(since begin: Double) -> StormDamage {
    StormDamage(
      kills: attempts.count { $0.exitCode == 128 + SIGKILL }, restarts: attempts.count - 1,
      seconds: system.now() - begin)
  }

  /// Runs mpirun once. Returns its exit code, and where it ran.
  private mutating func attempt(_ command: TrainCommand) throws -> (code: Int32, place: String) {
    guard let hostfile = job.hostfile else {
      let ranks = job.ranks ?? processors.cores
      let call = MPIRun(
        ranks: ranks, binding: Binding(ranks: ranks, processors: processors), options: job.mpirunOptions)
      return (try supervise(call, command), Self.counted(ranks) + " on this host")
    }
    guard let reachable = try awaitHosts(hostfile.hosts.map(\.name)) else { return (75, "no rank yet") }
    guard let plan = RankPlan(hostfile: hostfile, reachable: reachable, wanted: job.ranks) else {
      return (76, "no host answered")
    }
    let path = try system.write(plan.hostfile)
    defer { system.removeHostfile(path) }
    var call = MPIRun(ranks: plan.ranks, hostfile: path, binding: .core, options: job.mpirunOptions)
    if let login = job.loginCommand {
      call.parameters.append(.init(name: "plm_rsh_agent", value: login))
    } else if environment["OMPI_MCA_plm_rsh_agent"] == nil {
      // A login to a host that is gone must not stay when the job has ended.
      call.parameters.append(
        .init(name: "plm_rsh_agent", value: "ssh -o ServerAliveInterval=5 -o ServerAliveCountMax=3"))
    }
    if let ranks = plan.ranks, plan.mayExceedSlots, !job.mpirunOptions.contains("--oversubscribe"),
      let slots = system.slots(of: plan.hostfile, at: path, for: call)
    {
      call.ranks = min(ranks, slots)
    }
    let ranks = call.ranks.map { Self.counted($0) + " on " } ?? ""
    return (try supervise(call, command), ranks + plan.hostfile.hosts.map(\.name).joined(separator: ", "))
  }

  private static func counted(_ ranks: Int) -> String { "\(ranks) \(ranks == 1 ? "rank" : "ranks")" }

  /// The hosts that answer, once all do or the time for it is over; nil if somebody asks for a stop
  /// meanwhile.
  private mutating func awaitHosts(_ names: [String]) throws -> Set<String>? {
    let end = system.now() + job.secondsToWaitForHosts
    var isFirst = true
    while true {
      let reachable = try system.reachable(names)
      let lost = names.filter { !reachable.contains($0) }
      if lost.isEmpty { return reachable }
      let remaining = end - system.now()
      if isFirst || remaining <= 0 {
        system.report(.noAnswer(hosts: lost, waitingSeconds: remaining > 0 ? remaining : nil))
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
  private mutating func supervise(_ call: MPIRun, _ command: TrainCommand) throws -> Int32 {
    var call = call
    call.isQuiet = !job.isVerbose
    // So that an unplugged host is noticed after seconds, not minutes.
    for (name, value) in [("time", "2"), ("intvl", "1"), ("probes", "3")] {
      call.parameters.append(.init(name: "oob_tcp_keepalive_\(name)", value: value))
    }
    if let storm = job.storm {
      var generator = SystemRandomNumberGenerator()
      call.variables[Storm.variable] = storm.strike(afterFruitless: policy.restarts, using: &generator).text
    }
    // Hosts were asked meanwhile; mpirun could not pass a signal on before it runs.
    guard !isStopped(within: 0) else { return 75 }
    let process = try system.start(call, command.words)
    var (hadChildren, alone) = (false, Double?.none)
    while true {
      if let code = process.poll() {
        // The signal came before mpirun was ready to pass it on: no rank had started.
        return isStopping && code == 128 + SIGUSR1 ? 75 : code
      }
      if process.hasChildren { (hadChildren, alone) = (true, nil) }
      // Ranks here and logins to other hosts are gone, and mpirun waits for a host that is gone too, for minutes if a
      // message to it was under way.
      if hadChildren, !process.hasChildren {
        let since = alone ?? system.now()
        alone = since
        if system.now() - since > Self.patienceWithoutRanks { process.signal(SIGKILL) }
      }
      switch system.nextSignal(withinSeconds: 5) {
      // A terminal that closes may say so more than once, and so may a scheduler: that is no second request.
      case SIGHUP where isStopping, SIGUSR1 where isStopping, SIGXCPU where isStopping: break
      // There is nothing to save before there are ranks, and mpirun not ready to pass it on.
      case SIGUSR2: if hadChildren { process.signal(SIGUSR2) }
      case SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGXCPU:
        process.signal(isStopping ? SIGTERM : SIGUSR1)
        if !isStopping { system.report(.stopping) }
        isStopping = true
      default: break
      }
    }
  }

  /// Pauses; true as soon as somebody asks for a stop.
  private func isStopped(within seconds: Double) -> Bool {
    let end = system.now() + seconds
    while true {
      let number = system.nextSignal(withinSeconds: end - system.now())
      if let number, ![SIGCHLD, SIGUSR2].contains(number) { return true }
      if number == nil, system.now() >= end { return false }
    }
  }
}
