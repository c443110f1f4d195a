internal import CProcesses
internal import Files

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Ends this process when its peers leave it waiting for too long: MPI itself would wait for a stopped rank or an
/// unplugged host for as long as they stay away.
///
/// A communicator owns one. The kernel's timer is set when a call begins to wait and taken back when it returns: no
/// thread, no polling, two short system calls. Half of the time is up: a warning with the names of the ranks that are
/// missing. All of it: the same in one sentence, and the end of the process, which makes `mpirun` end the job; where it
/// cannot, because it waits for a host that is gone, it is ended too.
///
/// A process has one timer, so one watchdog at a time is armed. Everything that the signal's handler touches is in
/// `State`, allocated beforehand: a handler may neither allocate memory nor lock.
package final class StallWatchdog {
  /// The exit code of a rank that gave up.
  package static let exitCode: Int32 = 76
  /// Seconds that a call may wait unless somebody says otherwise.
  package static let defaultSeconds = 60

  /// Seconds that the launcher gets to end the job. Its own connections give up on an unplugged host only after
  /// minutes if something was under way there.
  private static let launcherSeconds: UInt32 = 10
  /// What the handler looks at: the state of the watchdog that is armed.
  private nonisolated(unsafe) static var armed: UnsafeMutablePointer<State>?

  private let state: UnsafeMutablePointer<State>

  /// What a rank's handler needs to know.
  fileprivate struct State {
    /// This rank's number in the job, by which it is named, and among those that it waits for.
    var name: Int
    var rank: Int
    /// Seconds that a call may wait, and that this rank waits longer than the others.
    var seconds: Int
    var delay: Int
    /// When the timer is due, and when the call began, on the monotonic clock.
    var due = 0.0
    var start = 0.0
    /// The process that started this one, if it is Open MPI's; else 0.
    var launcher: pid_t
    /// Whether peers may be waiting for others in turn.
    var isChained = false
    /// Whether the current call has been warned of.
    var hasWarned = false
    var host: SignalSafeText
    var text = SignalSafeText(capacity: 1024)
    var call: StaticString = ""
    var phase: StaticString = "the start"
    var step = 0
    /// For each rank how many messages to or from it the current call waits for.
    let awaited: UnsafeMutableBufferPointer<Int32>
    /// What each of them is called in the job.
    let names: UnsafeMutableBufferPointer<Int>
  }

  /// Watches the calls of rank `rank` of `worldSize`, each of which may wait for `seconds`; nil if that is 0, or if there
  /// is nobody to wait for. `names` are the numbers that these ranks have in the job, where those are others.
  init?(rank: Int, worldSize: Int, seconds: Int, names: [Int]? = nil) {
    guard seconds > 0, worldSize > 1 else { return nil }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    var host = SignalSafeText(capacity: 256)
    name.withUnsafeBufferPointer { host.append($0.baseAddress) }
    let parent = getppid()
    let isOpenMPI = ["mpirun", "mpiexec", "orterun", "orted", "prterun", "prted"].contains(
      Self.nameOfProcess(parent))
    let awaited = UnsafeMutableBufferPointer<Int32>.allocate(capacity: worldSize)
    awaited.initialize(repeating: 0)
    let own = UnsafeMutableBufferPointer<Int>.allocate(capacity: worldSize)
    _ = own.initialize(from: names ?? Array(0..<worldSize))
    state = .allocate(capacity: 1)
    // One rank after the other, so that one sentence comes first and mpirun ends the others before theirs.
    state.initialize(
      to: State(
        name: own[rank], rank: rank, seconds: seconds, delay: min(rank, 10),
        launcher: isOpenMPI ? parent : 0, host: host, awaited: awaited, names: own))
    signal(SIGALRM) { _ in StallWatchdog.timerExpired() }
  }

  deinit {
    if Self.armed == state {
      Self.setTimer(seconds: 0)
      Self.armed = nil
    }
    state.pointee.awaited.deallocate()
    state.pointee.names.deallocate()
    state.pointee.host.deallocate()
    state.pointee.text.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Says what this rank is about to do, as in "the reduction", for the sentence it would end with; `step` is counted
  /// from 1, 0 for none.
  func enter(_ phase: StaticString, step: Int) {
    state.pointee.phase = phase
    state.pointee.step = step
  }

  /// Says whether the peers that the next calls wait for may themselves be waiting for others.
  func expectChains(_ isChained: Bool) {
    state.pointee.isChained = isChained
  }

  /// Runs `body`, a call that waits for other ranks.
  @inline(__always)
  func during<Result, Failure>(
    _ call: StaticString, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    state.pointee.call = call
    state.pointee.hasWarned = false
    state.pointee.start = MonotonicClock.now()
    Self.armed = state
    Self.arm(state, seconds: state.pointee.warningSeconds)
    defer { Self.setTimer(seconds: 0) }
    return try body()
  }

  /// Remembers a message to or from `peer` that the next call will wait for.
  @inline(__always)
  func await(_ peer: Int) {
    state.pointee.awaited[peer] += 1
  }

  /// Remembers whether this rank waits for `peer`, which it sees in memory that both share.
  @inline(__always)
  func await(_ peer: Int, _ isMissing: Bool) {
    state.pointee.awaited[peer] = isMissing ? 1 : 0
  }

  /// Forgets a message that has arrived.
  @inline(__always)
  func arrived(_ peer: Int) {
    state.pointee.awaited[peer] -= 1
  }

  // MARK: - The timer and its handler

  private static func arm(_ state: UnsafeMutablePointer<State>, seconds: Double) {
    state.pointee.due = MonotonicClock.now() + seconds
    setTimer(seconds: seconds)
  }

  private static func setTimer(seconds: Double) {
    var timer = itimerval()
    timer.it_value.tv_sec = Int(seconds)
    timer.it_value.tv_usec = Int((seconds - seconds.rounded(.down)) * 1e6)
    #if canImport(Glibc)
      setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    #else
      setitimer(Int32(ITIMER_REAL), &timer, nil)
    #endif
  }

  private static func timerExpired() {
    guard let state = armed else { return }
    // A rank that hears the timer late was stopped itself, perhaps together with all others, as batch systems do to
    // make room: it waits anew, without a warning, since its peers may be gone by now and the job about to end.
    let tolerance = state.pointee.hasWarned ? 0.5 : 0.25
    guard MonotonicClock.now() < state.pointee.due + tolerance else {
      state.pointee.hasWarned = true
      return arm(state, seconds: Double(state.pointee.seconds + state.pointee.delay))
    }
    if state.pointee.hasWarned { giveUp(state) }
    state.pointee.hasWarned = true
    if state.pointee.isFirstToWarn {
      state.pointee.compose(
        waited: Int((MonotonicClock.now() - state.pointee.start).rounded()), ending: "; the job ends after ",
        limit: state.pointee.seconds)
      state.pointee.text.write()
    }
    arm(state, seconds: state.pointee.remainingSeconds)
  }

  private static func giveUp(_ state: UnsafeMutablePointer<State>) -> Never {
    state.pointee.compose(
      waited: state.pointee.seconds, ending: ", so the job ends; --stall-timeout sets how long ranks wait",
      limit: nil)
    state.pointee.text.write()
    if state.pointee.launcher > 0 { cprocesses_kill_after(state.pointee.launcher, launcherSeconds) }
    _exit(exitCode)
  }

  private static func nameOfProcess(_ identifier: pid_t) -> String {
    let file = open("/proc/\(identifier)/comm", O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)).prefix { $0 != 10 }, as: UTF8.self)
  }
}

extension StallWatchdog.State {
  /// When half of the time is up.
  fileprivate var warningSeconds: Double { Double(seconds) / 2 + Double(delay) / 2 }
  /// From the warning to the end.
  fileprivate var remainingSeconds: Double { Double(seconds + delay) - warningSeconds }

  /// One rank warns: the root, or the next one where it is the root that is missing.
  fileprivate var isFirstToWarn: Bool {
    rank == 0 || rank == 1 && (awaited[0] > 0 || awaited.allSatisfy { $0 == 0 })
  }

  /// Writes the sentence into `text`.
  fileprivate mutating func compose(waited: Int, ending: StaticString, limit: Int?) {
    text.clear()
    text.append("lockstep: rank ")
    text.append(name)
    text.append(" on ")
    text.append(host)
    text.append(": no answer from ")
    var count = 0
    for peer in awaited.indices where awaited[peer] > 0 {
      if count < 8 {
        text.append(count == 0 ? "rank " : ", ")
        text.append(names[peer])
      }
      count += 1
    }
    if count == 0 { text.append("some rank") }
    if count > 8 {
      text.append(" and ")
      text.append(count - 8)
      text.append(" more")
    }
    if count > 0, isChained {
      text.append(count == 1 ? " or whom it waits for" : " or whom they wait for")
    }
    text.append(" for ")
    text.append(waited)
    text.append(" s in ")
    text.append(phase)
    if step > 0 {
      text.append(" of step ")
      text.append(step)
    }
    text.append(" (")
    text.append(call)
    text.append(")")
    text.append(ending)
    if let limit {
      text.append(limit)
      text.append(" s")
    }
    text.append("\n")
  }
}
