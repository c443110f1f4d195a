internal import CProcesses

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// What a process inherits from whoever started it, and what has to be put right before it can rely on itself.
package enum InheritedState {
  /// Opens descriptors 0 to 2 where they are closed, so that no file of ours gets one and finds messages in it; takes
  /// back signals that the parent ignored or blocked and that this program waits for; and raises a low limit of open
  /// files as far as the user may. Memory that is freed goes back to the system.
  ///
  /// To be called first of all, in a process of one thread.
  package static func repair() {
    cprocesses_return_freed_memory()
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
      // The lowest free number is the one that is missing.
      _ = open("/dev/null", O_RDWR)
    }
    // Ignored, it takes the ends of children away from those who wait for them.
    signal(SIGCHLD, SIG_DFL)
    // A file that reaches a limit is an error of the call that writes it, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [
      SIGALRM, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGXCPU, SIGILL, SIGTRAP, SIGSEGV,
      SIGBUS,
      SIGFPE,
    ] { sigaddset(&signals, number) }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    var files = rlimit()
    // No further: Open MPI closes as many as there could be whenever it starts a process.
    if getrlimit(ResourceLimit.files.resource, &files) == 0, files.rlim_cur < min(files.rlim_max, 1024) {
      files.rlim_cur = min(files.rlim_max, 1024)
      setrlimit(ResourceLimit.files.resource, &files)
    }
  }

  /// Whether a signal is ignored, as `nohup` has it for SIGHUP: who asked for that means it.
  package static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    #if canImport(Glibc)
      let handler = action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sa_handler.sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Checks the limits that the system sets this process.
  ///
  /// - Throws: `JobError` with exit code 71 on the first one that no command can live with, before something runs into
  ///   it without a word.
  package static func requireLimits() throws(JobError) {
    for limit in ResourceLimit.all {
      var value = rlimit()
      guard getrlimit(limit.resource, &value) == 0, let error = limit.objection(to: UInt64(value.rlim_cur))
      else {
        continue
      }
      throw error
    }
  }
}

/// One of the limits that the system sets a process (`ulimit`).
package struct ResourceLimit: Sendable {
  /// What people call it.
  let name: String
  /// As in `ulimit -s`.
  let flag: String
  /// Bytes in a unit of `ulimit`; 1 for what is counted.
  let unit: UInt64
  /// What Lockstep needs, in bytes or in number.
  let least: UInt64
  /// What the system calls it.
  let resource: Int32

  /// The main thread's stack: recursion in libraries and our own frames.
  package static let stack = ResourceLimit(
    name: "stack", flag: "-s", unit: 1024, least: 512 << 10, resource: number(RLIMIT_STACK))
  /// Open files: messages between ranks, checkpoints, metrics.
  package static let files = ResourceLimit(
    name: "open files", flag: "-n", unit: 1, least: 32, resource: number(RLIMIT_NOFILE))
  /// Address space: the program and its libraries alone take most of this.
  package static let addresses = ResourceLimit(
    name: "address space", flag: "-v", unit: 1024, least: 192 << 20, resource: number(RLIMIT_AS))

  /// All that are looked at.
  package static let all = [stack, files, addresses]

  /// The error if the limit is `value`, in bytes or in number; nil if that is enough.
  package func objection(to value: UInt64) -> JobError? {
    guard value < least else { return nil }
    let unitName = unit == 1 ? "" : " KiB"
    return JobError(
      "the limit on \(name) (ulimit \(flag)) is \(value / unit)\(unitName): expected at least \(least / unit)\(unitName)",
      exitCode: 71)
  }
}

#if canImport(Glibc)
  private func number(_ resource: __rlimit_resource) -> Int32 { Int32(resource.rawValue) }
#else
  private func number(_ resource: Int32) -> Int32 { resource }
#endif
