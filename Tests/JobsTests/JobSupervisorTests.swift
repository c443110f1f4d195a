import Foundation
import Jobs
import Testing

/// A world in which time passes only while somebody waits, and processes end as the test says.
private final class ScriptedSystem: JobSystem {
  /// One process: how long it runs by itself, what it ends with, and which checkpoint is there afterwards.
  struct Script {
    var seconds = 1.0
    var code: Int32
    var newestStep: Int?
    /// What it ends with right after a signal; nil if it goes on.
    var answers: [Int32: Int32] = [:]
    /// How long processes that it has started are left.
    var childrenSeconds = Double.infinity
  }

  final class Process: SupervisedProcess {
    let script: Script
    unowned let system: ScriptedSystem
    let start: Double
    let end: Double
    var hasChildren: Bool { system.time < start + script.childrenSeconds }
    private(set) var signals: [Int32] = []
    private var code: Int32?
    private var isDone = false

    init(_ script: Script, _ system: ScriptedSystem) {
      self.script = script
      self.system = system
      start = system.time
      end = system.time + script.seconds
    }

    func poll() -> Int32? {
      if code == nil, system.time >= end { code = script.code }
      if code != nil, !isDone {
        isDone = true
        if let step = script.newestStep {
          system.written.insert(WrittenCheckpoint(step: step, stamp: "\(system.written.count)"))
        }
      }
      return code
    }

    func signal(_ number: Int32) {
      signals.append(number)
      if let answer = script.answers[number] { code = answer }
    }
  }

  var time = 0.0
  var written: Set<WrittenCheckpoint> = []
  var scripts: [Script]
  /// When which signal comes; the earliest first.
  var signals: [(time: Double, number: Int32)]
  /// Hosts that never answer, and those that do from some moment on.
  var deadHosts: Set<String> = []
  var lateHosts: [String: Double] = [:]
  private(set) var calls: [(call: MPIRun, words: [String])] = []
  private(set) var processes: [Process] = []
  private(set) var events: [JobEvent] = []
  private(set) var hostfiles: [String] = []

  init(_ scripts: [Script], signals: [(time: Double, number: Int32)] = []) {
    self.scripts = scripts
    self.signals = signals
  }

  func now() -> Double { time }

  func nextSignal(withinSeconds seconds: Double) -> Int32? {
    let limit = time + max(seconds, 0)
    // A child that ends sends SIGCHLD.
    if let process = processes.last, process.end > time, process.end <= limit,
      process.end < signals.first?.time ?? .infinity
    {
      time = process.end
      return SIGCHLD
    }
    if let first = signals.first, first.time <= limit {
      signals.removeFirst()
      time = max(time, first.time)
      return first.number
    }
    time = limit
    return nil
  }

  func reachable(_ hosts: [String]) -> Set<String> {
    Set(hosts.filter { !deadHosts.contains($0) && lateHosts[$0, default: 0] <= time })
  }

  func write(_ hostfile: Hostfile) -> String {
    hostfiles.append(hostfile.text)
    return "/tmp/hosts"
  }

  /// What Open MPI counts where it is asked.
  var openSlots: Int?

  func slots(of hostfile: Hostfile, at path: String, for call: MPIRun) -> Int? { openSlots }

  func removeHostfile(_ path: String) {}

  func start(_ call: MPIRun, _ command: [String]) throws -> any SupervisedProcess {
    calls.append((call, command))
    let process = Process(try #require(scripts.isEmpty ? nil : scripts.removeFirst()), self)
    processes.append(process)
    return process
  }

  func checkpoints() -> Set<WrittenCheckpoint> { written }

  func report(_ event: JobEvent) { events.append(event) }

  /// Events of restarts, as the restart's number and the pause.
  var restarts: [[Int]] {
    events.compactMap { event in
      guard case .restarting(_, let restart, let pause) = event else { return nil }
      return [restart, pause]
    }
  }

  /// The attempts that a report of giving up lists, and its reason.
  var surrender: (reason: String, attempts: [JobAttempt])? {
    guard case .givingUp(let reason, let attempts) = events.last else { return nil }
    return (reason, attempts)
  }
}

@Suite struct JobSupervisorTests {
  private let processors = ProcessorSet(
    allowed: [0, 1, 2, 3], coreNames: ["0", "1", "2", "3"], isWholeHost: true)

  private func run(
    _ system: ScriptedSystem, environment: [String: String] = [:], _ change: (inout Job) -> Void = { _ in }
  ) throws -> Int32 {
    var job = Job(command: TrainCommand(words: ["train", "--run", "a", "--resume", "x.safetensors"]))
    change(&job)
    var supervisor = JobSupervisor(
      job, processors: processors, environment: environment, system: system)
    return try supervisor.run()
  }

  @Test func aJobThatFinishesIsStartedOnce() throws {
    let system = ScriptedSystem([.init(code: 0, newestStep: 100)])
    #expect(try run(system) == 0)
    #expect(system.calls.map(\.words) == [["train", "--run", "a", "--resume", "x.safetensors"]])
    #expect(system.calls[0].call.ranks == 4 && system.calls[0].call.binding == .core)
    #expect(system.calls[0].call.hostfile == nil && system.calls[0].call.isQuiet)
    #expect(system.events == [])
  }

  @Test func aFailureIsFollowedByAPauseAndARestartFromTheNewestCheckpoint() throws {
    let system = ScriptedSystem([.init(seconds: 10, code: 137, newestStep: 50), .init(code: 0)])
    #expect(try run(system) { $0.ranks = 5 } == 0)
    #expect(system.calls.map(\.words).last == ["train", "--run", "a", "--resume"])
    #expect(system.calls.allSatisfy { $0.call.ranks == 5 && $0.call.binding == .shared })
    #expect(system.restarts == [[1, 1]])
    #expect(system.time == 12)
    guard case .restarting(let attempt, _, _) = system.events[0] else { return }
    #expect(
      attempt
        == JobAttempt(place: "5 ranks on this host", seconds: 10, exitCode: 137, newestStep: 50))
  }

  @Test func beforeTheFirstCheckpointARestartBeginsWhereTheJobBegan() throws {
    let system = ScriptedSystem([.init(code: 137), .init(code: 137, newestStep: 9), .init(code: 0)])
    #expect(try run(system) == 0)
    #expect(
      system.calls.map(\.words) == [
        ["train", "--run", "a", "--resume", "x.safetensors"],
        ["train", "--run", "a", "--resume", "x.safetensors"], ["train", "--run", "a", "--resume"],
      ])
  }

  /// A folder may hold later checkpoints than the one that the user wants to go on from: those of the course that is left.
  @Test func whatWasThereBeforeTheJobIsNotItsProgress() throws {
    let system = ScriptedSystem([
      .init(code: 137), .init(code: 137), .init(code: 137, newestStep: 40), .init(code: 137, newestStep: 40),
      .init(code: 0),
    ])
    system.written = [WrittenCheckpoint(step: 90, stamp: "old")]
    #expect(try run(system) { $0.maximumRestarts = 2 } == 0)
    let (first, later) = (
      ["train", "--run", "a", "--resume", "x.safetensors"], ["train", "--run", "a", "--resume"]
    )
    #expect(system.calls.map(\.words) == [first, first, first, later, later])
    // The same step written again is work that was done.
    #expect(system.restarts == [[1, 1], [2, 2], [1, 1], [1, 1]])
  }

  @Test func progressResetsTheCountOfRestarts() throws {
    let system = ScriptedSystem([
      .init(code: 137), .init(code: 137), .init(code: 137, newestStep: 10), .init(code: 0),
    ])
    #expect(try run(system) { $0.maximumRestarts = 2 } == 0)
    #expect(system.restarts == [[1, 1], [2, 2], [1, 1]])
  }

  @Test func aJobThatMakesNoProgressIsGivenUp() throws {
    let system = ScriptedSystem([.init(code: 137), .init(code: 205), .init(code: 76)])
    #expect(try run(system) { $0.maximumRestarts = 2 } == 76)
    #expect(system.surrender?.reason == "2 restarts in a row brought no new checkpoint")
    #expect(system.surrender?.attempts.map(\.exitCode) == [137, 205, 76])
  }

  /// Where a rank has said why, the launcher says nothing; where nobody has, it does.
  @Test func whatWouldHappenAgainIsNotTriedAgain() throws {
    for code: Int32 in [64, 66, 78] {
      let system = ScriptedSystem([.init(code: code)])
      #expect(try run(system) == code)
      #expect(system.events == [])
      // `scripts/train` allows no restart: that must not add words either.
      let last = ScriptedSystem([.init(code: code)])
      #expect(try run(last) { $0.maximumRestarts = 0 } == code)
      #expect(last.events == [])
    }
    let missing = ScriptedSystem([.init(code: 127)])
    #expect(try run(missing) == 127)
    #expect(missing.surrender?.reason == "this would happen again")
    let killed = ScriptedSystem([.init(code: 137)])
    #expect(try run(killed) { $0.maximumRestarts = 0 } == 137)
    #expect(killed.surrender?.reason == "no restart is allowed")
  }

  @Test func aRequestToStopSavesFirst() throws {
    let system = ScriptedSystem(
      [.init(seconds: 1000, code: 0, answers: [SIGUSR1: 75])], signals: [(5, SIGTERM)])
    #expect(try run(system) == 75)
    #expect(system.processes[0].signals == [SIGUSR1])
    #expect(system.events == [.stopping])
    #expect(system.time == 5)
  }

  @Test func aSecondRequestEndsAtOnceAndIsNoReasonToRestart() throws {
    let system = ScriptedSystem(
      [.init(seconds: 1000, code: 0, answers: [SIGTERM: 143])], signals: [(5, SIGINT), (6, SIGINT)])
    #expect(try run(system) == 143)
    #expect(system.processes[0].signals == [SIGUSR1, SIGTERM])
    #expect(system.calls.count == 1)
    guard case .stopFailed(let attempt) = system.events.last else {
      Issue.record("\(system.events)")
      return
    }
    #expect(attempt.exitCode == 143)
  }

  /// A terminal that closes sends SIGHUP, and so may its shell: the ranks still get to save.
  @Test func aTerminalThatClosesTwiceIsOneRequest() throws {
    let system = ScriptedSystem(
      [.init(seconds: 1000, code: 0, answers: [SIGTERM: 143, SIGUSR1: 75])],
      signals: [(5, SIGHUP), (5, SIGHUP)])
    #expect(try run(system) == 75)
    #expect(system.processes[0].signals == [SIGUSR1])
  }

  /// What Slurm and others send when the time is up is a request to stop as any other; SIGUSR2 is none.
  @Test func usersSignalsAreForTheRanks() throws {
    let system = ScriptedSystem(
      [.init(seconds: 1000, code: 0, answers: [SIGUSR1: 75])], signals: [(5, SIGUSR2), (6, SIGUSR1)])
    #expect(try run(system) == 75)
    #expect(system.processes[0].signals == [SIGUSR2, SIGUSR1])
    #expect(system.events == [.stopping])
    let pausing = ScriptedSystem([.init(code: 137), .init(code: 0)], signals: [(1.5, SIGUSR2)])
    #expect(try run(pausing) == 0)
    let starting = ScriptedSystem([.init(seconds: 9, code: 0, childrenSeconds: 0)], signals: [(1, SIGUSR2)])
    #expect(try run(starting) == 0)
    #expect(starting.processes[0].signals == [], "there is nobody yet to save anything")
  }

  /// mpirun that gets SIGUSR1 before it can pass it on is ended by it: no rank had started.
  @Test func aRequestBeforeMpirunIsReadyIsAStopToo() throws {
    let system = ScriptedSystem(
      [.init(seconds: 1000, code: 0, answers: [SIGUSR1: 128 + SIGUSR1])], signals: [(0.1, SIGINT)])
    #expect(try run(system) == 75)
  }

  @Test func aRequestDuringAPauseStartsNothingMore() throws {
    let system = ScriptedSystem([.init(code: 137), .init(code: 0)], signals: [(1.5, SIGHUP)])
    #expect(try run(system) == 75)
    #expect(system.calls.count == 1)
  }

  // MARK: - Several hosts

  private let hostfile = Hostfile(hosts: [
    .init(name: "a", slots: 2), .init(name: "b", slots: 2), .init(name: "c", slots: 2),
  ])

  @Test func aJobGoesOnOnTheHostsThatAnswer() throws {
    let system = ScriptedSystem([.init(code: 205, newestStep: 5), .init(code: 0)])
    system.deadHosts = ["b"]
    let code = try run(system) { job in
      (job.hostfile, job.ranks) = (hostfile, 6)
    }
    #expect(code == 0)
    #expect(system.hostfiles == ["a slots=2\nc slots=2\n", "a slots=2\nc slots=2\n"])
    #expect(system.calls.allSatisfy { $0.call.ranks == 4 && $0.call.hostfile == "/tmp/hosts" })
    #expect(system.events[0] == .noAnswer(hosts: ["b"], waitingSeconds: nil))
    guard case .restarting(let attempt, _, _) = system.events[1] else { return }
    #expect(attempt.place == "4 ranks on a, c")
  }

  /// Where the file leaves the slots to Open MPI, it is asked how many ranks the hosts that are left can take.
  @Test func hostsThatAreLeftGetNoMoreRanksThanTheyHaveCores() throws {
    let open = Hostfile(hosts: [.init(name: "a"), .init(name: "b")])
    func ranks(_ wanted: Int, lost: Set<String>, slots: Int? = 4, options: [String] = []) throws -> Int? {
      let system = ScriptedSystem([.init(code: 0)])
      (system.deadHosts, system.openSlots) = (lost, slots)
      _ = try run(system) { job in
        (job.hostfile, job.ranks, job.mpirunOptions) = (open, wanted, options)
      }
      return system.calls[0].call.ranks
    }
    #expect(try ranks(6, lost: ["b"]) == 4)
    #expect(try ranks(3, lost: ["b"]) == 3)
    #expect(try ranks(6, lost: []) == 6, "all are there: who asks for more is told by mpirun")
    #expect(try ranks(6, lost: ["b"], slots: nil) == 6)
    #expect(try ranks(6, lost: ["b"], options: ["--oversubscribe"]) == 6)
  }

  @Test func loginsEndWithTheirHostUnlessTheUserSaysHow() throws {
    func agent(environment: [String: String] = [:], login: String? = nil) throws -> String? {
      let system = ScriptedSystem([.init(code: 0)])
      _ = try run(system, environment: environment) { job in
        (job.hostfile, job.loginCommand) = (hostfile, login)
      }
      return system.calls[0].call.parameters.first { $0.name == "plm_rsh_agent" }?.value
    }
    #expect(try agent() == "ssh -o ServerAliveInterval=5 -o ServerAliveCountMax=3")
    #expect(try agent(login: "ssh -p 2222") == "ssh -p 2222")
    #expect(try agent(environment: ["OMPI_MCA_plm_rsh_agent": "rsh"]) == nil)
  }

  @Test func lateHostsAreWaitedFor() throws {
    let system = ScriptedSystem([.init(code: 0)])
    system.lateHosts = ["b": 5, "c": 3]
    let code = try run(system) { job in
      (job.hostfile, job.secondsToWaitForHosts) = (hostfile, 60)
    }
    #expect(code == 0)
    #expect(system.hostfiles == [hostfile.text])
    #expect(system.events == [.noAnswer(hosts: ["b", "c"], waitingSeconds: 60)])
  }

  @Test func aRequestWhileWaitingForHostsStartsNothing() throws {
    let system = ScriptedSystem([.init(code: 0)], signals: [(3, SIGTERM)])
    system.deadHosts = ["a"]
    let code = try run(system) { job in
      (job.hostfile, job.secondsToWaitForHosts) = (hostfile, 60)
    }
    #expect(code == 75)
    #expect(system.calls.isEmpty)
    #expect(system.time == 3)
  }

  @Test func aJobWithoutHostsIsGivenUp() throws {
    let system = ScriptedSystem([])
    system.deadHosts = ["a", "b", "c"]
    let code = try run(system) { job in
      (job.hostfile, job.maximumRestarts) = (hostfile, 1)
    }
    #expect(code == 76)
    #expect(system.surrender?.reason == "the restart brought no new checkpoint")
    #expect(system.surrender?.attempts.map(\.place) == ["no host answered", "no host answered"])
  }

  /// All ranks are gone, and mpirun waits for the daemon of a host that is gone too.
  @Test func anMPIRunThatNothingIsLeftOfIsEnded() throws {
    let system = ScriptedSystem([
      .init(seconds: 900, code: 205, newestStep: 20, answers: [SIGKILL: 137], childrenSeconds: 30),
      .init(code: 0),
    ])
    #expect(try run(system) == 0)
    #expect(system.processes.map(\.signals) == [[SIGKILL], []] && (45...60).contains(system.time))
  }

  /// In a storm every attempt is told when which rank is struck, and the damage is told at the end.
  @Test func aStormStrikesEachAttemptAndIsToldAtTheEnd() throws {
    let system = ScriptedSystem([
      .init(seconds: 5, code: 137, newestStep: 20), .init(seconds: 7, code: 137, newestStep: 60),
      .init(seconds: 4, code: 0),
    ])
    #expect(try run(system) { $0.storm = Storm(seconds: 10) } == 0)
    let strikes = system.calls.compactMap { $0.call.variables[Storm.variable] }.compactMap {
      Storm.Strike($0)
    }
    #expect(strikes.count == 3 && strikes.allSatisfy { (5...30).contains($0.seconds) })
    guard case .survived(let damage) = try #require(system.events.last) else {
      Issue.record("\(system.events)")
      return
    }
    #expect(damage.kills == 2 && damage.restarts == 2 && damage.seconds >= 16)
  }

  @Test func aStormWaitsLongerForAJobThatDoesNotGetOn() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let (first, fourth) = (
        Storm(seconds: 2).strike(afterFruitless: 0, using: &generator),
        Storm(seconds: 2).strike(afterFruitless: 3, using: &generator)
      )
      #expect((1...3).contains(first.seconds) && (8...24).contains(fourth.seconds))
      for size in [1, 2, 7] { #expect((0..<size).contains(first.victim(worldSize: size))) }
      #expect(Storm.Strike(first.text) == first)
    }
    for text in ["", "0.5", "1:2", "0.5:-1", "0.5:nan", "x:1", "0.5:1:2"] {
      #expect(Storm.Strike(text) == nil)
    }
  }
}
