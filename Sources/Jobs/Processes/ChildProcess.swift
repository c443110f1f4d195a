#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A program that runs beside this one, in a session of its own: a terminal's Ctrl-C reaches it only if
/// passed on.
///
/// swift-subprocess could do this too, but its `run` is asynchronous and returns when the program has ended,
/// while a launcher waits for a signal or an end, whichever comes first, and passes the one on to the other:
/// `poll` and `signal` say that in a plain loop, and no command needs a concurrency runtime for it.
package final class ChildProcess {
  /// What it is known by.
  package let identifier: Int32
  private var exitCode: Int32?

  /// Where a child's output goes.
  package enum Output: Sendable {
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
  package init(
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
  package func signal(_ number: Int32) {
    if exitCode == nil { kill(identifier, number) }
  }

  /// The exit code, 128 + the signal's number for one that a signal ended; nil while the process runs.
  package func poll() -> Int32? { exitCode(options: WNOHANG) }

  /// Waits for the end and returns the exit code.
  package func wait() -> Int32 {
    // Without WNOHANG there is always a code.
    exitCode(options: 0) ?? Self.lostCode
  }

  /// The code of a process whose end somebody else in this process has collected: EX_OSERR of sysexits.h.
  private static let lostCode: Int32 = 71

  private func exitCode(options: Int32) -> Int32? {
    if let known = exitCode { return known }
    var status: Int32 = 0
    var result: pid_t
    repeat { result = waitpid(identifier, &status, options) } while result < 0 && errno == EINTR
    if result == identifier {
      let signal = status & 0x7F
      exitCode = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    } else if result < 0 {
      // ECHILD: it has ended, and its code is lost. It must look neither like success nor as if it still ran.
      exitCode = Self.lostCode
    }
    return exitCode
  }
}

extension ChildProcess {
  /// Waits for the end and returns the exit code; as soon as a signal asks for a stop, ends the process with
  /// SIGTERM and returns nil. The queue collects SIGCHLD too, which tells of the end.
  package func wait(unlessStoppedBy signals: SignalQueue) -> Int32? {
    while poll() == nil {
      if let number = signals.next(withinSeconds: 60), number != SIGCHLD {
        signal(SIGTERM)
        _ = wait()
        return nil
      }
    }
    return wait()
  }
}
