#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A program that runs beside this one, in a session of its own: a terminal's Ctrl-C reaches it only if passed on.
public final class ChildProcess {
  /// What it is known by.
  public let identifier: Int32
  private var exitCode: Int32?

  /// Where a child's output goes.
  public enum Output: Sendable {
    /// Where this process's goes.
    case inherited
    /// Nowhere.
    case discarded
    /// To a file, which is emptied first.
    case file(String)
  }

  /// Starts a program, found on the path, with standard input empty and no signal blocked or ignored.
  ///
  /// - Throws: `JobError` with exit code 127 if it cannot be started.
  public init(
    _ words: [String], environment: [String: String]? = nil, output: Output = .inherited,
    errors: Output = .inherited
  ) throws(JobError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (descriptor, target) in [(Int32(1), output), (2, errors)] {
      switch target {
      case .inherited: break
      case .discarded: posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
      case .file(let path):
        posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      }
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, hidden behind _GNU_SOURCE
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession))

    var arguments = words.map { strdup($0) } + [nil]
    var variables = (environment ?? [:]).map { strdup("\($0)=\($1)") } + [nil]
    defer {
      for text in arguments + variables { free(text) }
    }
    var identifier: pid_t = 0
    let code =
      environment == nil
      ? posix_spawnp(&identifier, words[0], &actions, &attributes, &arguments, environ)
      : posix_spawnp(&identifier, words[0], &actions, &attributes, &arguments, &variables)
    guard code == 0 else {
      throw JobError(
        "'\(words[0])' cannot be started: \(String(cString: strerror(code)))", exitCode: 127)
    }
    self.identifier = identifier
  }

  /// Sends a signal, unless the process has ended.
  public func signal(_ number: Int32) {
    if exitCode == nil { kill(identifier, number) }
  }

  /// The exit code, 128 + the signal's number for one that a signal ended; nil while the process runs.
  public func poll() -> Int32? {
    if exitCode == nil {
      var status: Int32 = 0
      if waitpid(identifier, &status, WNOHANG) == identifier { exitCode = Self.code(status) }
    }
    return exitCode
  }

  /// Waits for the end and returns the exit code.
  public func wait() -> Int32 {
    if let exitCode { return exitCode }
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    let code = Self.code(status)
    exitCode = code
    return code
  }

  private static func code(_ status: Int32) -> Int32 {
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}

/// Waits for signals in order, one at a time, instead of being interrupted by them.
///
/// A handler puts each into a pipe: blocking signals would not do, since a library's thread that does not block them
/// would be ended by them.
public struct SignalQueue {
  private nonisolated(unsafe) static var ends: [Int32] = [-1, -1]

  /// Collects these signals of the process from now on.
  public init(_ numbers: [Int32]) {
    let isReady = pipe(&Self.ends) == 0
    precondition(isReady, "no pipe for signals")
    for end in Self.ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    for number in numbers {
      signal(number) { number in
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        write(SignalQueue.ends[1], &byte, 1)
        errno = saved
      }
    }
  }

  /// The next signal, nil if none comes within so many seconds.
  public func next(withinSeconds seconds: Double) -> Int32? {
    var waiting = pollfd(fd: Self.ends[0], events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, Int32(max(seconds, 0) * 1000)) > 0 else { return nil }
    var byte: UInt8 = 0
    return read(Self.ends[0], &byte, 1) == 1 ? Int32(byte) : nil
  }
}
