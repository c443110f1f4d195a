internal import CMPI
internal import Files

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Ends this process when its peers leave it waiting for too long: MPI itself would wait for a stopped rank or an
/// unplugged host for as long as they stay away.
///
/// The kernel's timer is set when a call begins to wait and taken back when it returns: no thread, no polling, two
/// short system calls. What the timer's signal finds is prepared beforehand, since a signal handler may neither
/// allocate memory nor lock. Ending the process makes `mpirun` end the job; where it cannot, because it waits for a
/// host that is gone, it is ended too.
public enum StallWatchdog {
  /// The exit code of a rank that gave up.
  public static let exitCode: Int32 = 76
  /// Seconds that a call may wait unless somebody says otherwise.
  public static let defaultSeconds = 60

  private nonisolated(unsafe) static var seconds = 0
  /// Seconds that this rank waits longer than the others.
  private nonisolated(unsafe) static var delay = 0
  /// When the timer is due, on the monotonic clock.
  private nonisolated(unsafe) static var due = 0.0
  private nonisolated(unsafe) static var rank = 0
  /// The process that started this one, if it is Open MPI's; else 0.
  private nonisolated(unsafe) static var launcher: pid_t = 0
  /// Seconds that the launcher gets to end the job. Its own connections give up on an unplugged host only after
  /// minutes if something was under way there.
  private static let launcherSeconds: UInt32 = 10
  /// Whether peers may be waiting for others in turn.
  private nonisolated(unsafe) static var isChained = false
  private nonisolated(unsafe) static var host = Sentence(capacity: 256)
  private nonisolated(unsafe) static var sentence = Sentence(capacity: 1024)
  private nonisolated(unsafe) static var call: StaticString = ""
  private nonisolated(unsafe) static var phase: StaticString = "the start"
  private nonisolated(unsafe) static var step = 0
  /// For each rank how many messages to or from it the current call waits for.
  private nonisolated(unsafe) static var awaited = UnsafeMutableBufferPointer<Int32>(start: nil, count: 0)

  /// Watches all further calls of this process's MPI communicator, which may each wait for `seconds`; 0 turns the
  /// watchdog off.
  public static func watch(_ communicator: any Communicator, seconds: Int) {
    guard communicator.worldSize > 1, seconds > 0 else {
      Self.seconds = 0
      return
    }
    if awaited.count != communicator.worldSize {
      awaited.deallocate()
      awaited = .allocate(capacity: communicator.worldSize)
      awaited.initialize(repeating: 0)
    }
    rank = communicator.rank
    // One rank after the other, so that one sentence comes first and mpirun ends the others before theirs.
    delay = min(communicator.rank, 10)
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    host.clear()
    name.withUnsafeBufferPointer { host.append($0.baseAddress) }
    let parent = getppid()
    let isOpenMPI = ["mpirun", "mpiexec", "orterun", "orted", "prterun", "prted"].contains(
      nameOfProcess(parent))
    launcher = isOpenMPI ? parent : 0
    signal(SIGALRM) { _ in StallWatchdog.giveUp() }
    Self.seconds = seconds
  }

  /// Says what this rank is about to do, as in "the reduction", for the sentence it would end with; `step` is counted
  /// from 1, 0 for none.
  public static func enter(_ phase: StaticString, step: Int) {
    Self.phase = phase
    Self.step = step
  }

  /// Says whether the peers that the next calls wait for may themselves be waiting for others.
  static func expectChains(_ isChained: Bool) {
    Self.isChained = isChained
  }

  /// Runs `body`, a call that waits for other ranks.
  @inline(__always)
  static func during<Result, Failure>(
    _ call: StaticString, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard seconds > 0 else { return try body() }
    Self.call = call
    setTimer(seconds: seconds + delay)
    defer { setTimer(seconds: 0) }
    return try body()
  }

  /// Remembers a message to or from `peer` that the next call will wait for.
  @inline(__always)
  static func await(_ peer: Int) {
    if seconds > 0 { awaited[peer] += 1 }
  }

  /// Forgets a message that has arrived.
  @inline(__always)
  static func arrived(_ peer: Int) {
    if seconds > 0 { awaited[peer] -= 1 }
  }

  private static func setTimer(seconds: Int) {
    due = MonotonicClock.now() + Double(seconds)
    var timer = itimerval()
    timer.it_value.tv_sec = seconds
    #if canImport(Glibc)
      setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    #else
      setitimer(Int32(ITIMER_REAL), &timer, nil)
    #endif
  }

  /// The signal's handler: one sentence, then the end.
  private static func giveUp() {
    // Whoever hears the timer late was stopped, perhaps together with all others, as batch systems do to make room.
    guard MonotonicClock.now() < due + 0.5 else {
      setTimer(seconds: seconds + delay)
      return
    }
    sentence.clear()
    sentence.append("lockstep: rank ")
    sentence.append(rank)
    sentence.append(" on ")
    sentence.append(host)
    sentence.append(": no answer from ")
    var count = 0
    for peer in awaited.indices where awaited[peer] > 0 {
      if count < 8 {
        sentence.append(count == 0 ? "rank " : ", ")
        sentence.append(peer)
      }
      count += 1
    }
    if count == 0 { sentence.append("some rank") }
    if count > 8 {
      sentence.append(" and ")
      sentence.append(count - 8)
      sentence.append(" more")
    }
    if count > 0, isChained {
      sentence.append(count == 1 ? " or whom it waits for" : " or whom they wait for")
    }
    sentence.append(" for ")
    sentence.append(seconds)
    sentence.append(" s in ")
    sentence.append(phase)
    if step > 0 {
      sentence.append(" of step ")
      sentence.append(step)
    }
    sentence.append(" (")
    sentence.append(call)
    sentence.append("), so the job ends; --stall-timeout sets how long ranks wait\n")
    sentence.write()
    if launcher > 0 { cmpi_kill_after(launcher, launcherSeconds) }
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

/// Text in memory of a fixed size, for a signal handler.
private struct Sentence {
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private var count = 0

  init(capacity: Int) {
    bytes = .allocate(capacity: capacity)
    bytes.initialize(repeating: 0)
  }

  mutating func clear() { count = 0 }

  mutating func append(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { append(byte: text.utf8Start[index]) }
  }

  mutating func append(_ text: UnsafePointer<CChar>?) {
    guard var next = text else { return }
    while next.pointee != 0 {
      append(byte: UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  mutating func append(_ other: Sentence) {
    for index in 0..<other.count { append(byte: other.bytes[index]) }
  }

  /// A number that is not negative.
  mutating func append(_ number: Int) {
    var power = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      append(byte: UInt8(48 + number / power % 10))
      power /= 10
    }
  }

  func write() {
    #if canImport(Glibc)
      _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, count)
    #else
      _ = Musl.write(STDERR_FILENO, bytes.baseAddress, count)
    #endif
  }

  private mutating func append(byte: UInt8) {
    guard count < bytes.count else { return }
    bytes[count] = byte
    count += 1
  }
}
