internal import Jobs
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// What signals ask a run to do. Ranks see a signal at different moments; they agree on it in the step's own
/// reduction, so that all act after the same step.
package enum StopSignals {
  private static let stop = Atomic<Bool>(false)
  private static let save = Atomic<Bool>(false)

  /// Catches SIGUSR1, SIGTERM, SIGINT, SIGHUP and SIGXCPU (save and stop) and SIGUSR2 (save and go on) from now on;
  /// SIGHUP only if it was not ignored, as `nohup` has it.
  ///
  /// A second SIGINT or SIGTERM ends the process at once, as without a handler. The others come more than once for one
  /// reason: a terminal that closes, a limit of processor time that is passed.
  package static func install() {
    for number in [SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGXCPU]
    where number != SIGHUP || !InheritedState.isIgnored(number) {
      signal(number) { number in
        StopSignals.stop.store(true, ordering: .relaxed)
        if number == SIGTERM || number == SIGINT { signal(number, SIG_DFL) }
      }
    }
    signal(SIGUSR2) { _ in
      StopSignals.save.store(true, ordering: .relaxed)
    }
  }

  /// Whether this rank was asked to save and stop.
  package static var isStopRequested: Bool {
    stop.load(ordering: .relaxed)
  }

  /// Whether this rank was asked to save since the last call.
  static func takeSaveRequest() -> Bool {
    save.load(ordering: .relaxed) && save.exchange(false, ordering: .relaxed)
  }
}
