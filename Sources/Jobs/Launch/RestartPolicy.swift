/// What to do when a job has ended: go on, and after how long, or give up.
///
/// Restarts are counted since the last progress, a newer checkpoint than at the start before: a job of weeks
/// may lose a node many times, while one that fails on the spot is not tried for ever.
package struct RestartPolicy: Sendable {
  /// What follows an end.
  package enum Decision: Hashable, Sendable {
    /// The model is trained.
    case finished
    /// Somebody asked for a stop; a checkpoint holds everything.
    case stopped
    /// Start again after so many seconds.
    case restart(afterSeconds: Int)
    /// It would only happen again.
    case giveUp(reason: String)
  }

  /// The longest pause before a restart, in seconds.
  package static let longestPause = 60

  /// Restarts without progress in between that are allowed.
  package let maximumRestarts: Int
  /// Restarts since the last progress.
  package private(set) var restarts = 0
  /// Whether the job has been started more than once.
  private var isRestarted = false

  /// A policy for a job that has not been started yet.
  package init(maximumRestarts: Int) {
    self.maximumRestarts = maximumRestarts
  }

  /// Decides after an end with `exitCode`; `hasProgressed` if there is a newer checkpoint than when it
  /// started.
  package mutating func decide(exitCode: Int32, hasProgressed: Bool) -> Decision {
    switch exitCode {
    case 0: return .finished
    case 75: return .stopped
    default:
      // What was there at the first start and is not now may come back: a host that is missing, a folder that an old
      // root still holds.
      let mayPass = isRestarted && Self.passingCodes.contains(exitCode)
      if Self.isFinal(exitCode: exitCode), !mayPass { return .giveUp(reason: "this would happen again") }
    }
    if hasProgressed { restarts = 0 }
    guard restarts < maximumRestarts else {
      let reason =
        switch maximumRestarts {
        case 0: "no restart is allowed"
        case 1: "the restart brought no new checkpoint"
        default: "\(maximumRestarts) restarts in a row brought no new checkpoint"
        }
      return .giveUp(reason: reason)
    }
    restarts += 1
    isRestarted = true
    return .restart(afterSeconds: min(1 << min(restarts - 1, 16), Self.longestPause))
  }

  /// The codes that are final at a first start only: MPI does not work, a file cannot be created.
  private static let passingCodes: Set<Int32> = [69, 73]

  /// Whether a job that ended with `exitCode` at its first start would end so again: wrong flags, no data, no such
  /// program.
  package static func isFinal(exitCode: Int32) -> Bool {
    [64, 65, 66, 69, 73, 77, 78, 126, 127].contains(exitCode)
  }

  /// Whether a rank has said why the job ended: with the codes of sysexits.h it prints a sentence.
  package static func isExplained(exitCode: Int32) -> Bool { (64...78).contains(exitCode) }

  /// What an exit code of `mpirun` tells, in words.
  package static func meaning(ofExitCode code: Int32) -> String {
    switch code {
    case 64: "wrong usage"
    case 65: "malformed data"
    case 66: "no data"
    case 69: "MPI did not work"
    case 70: "an internal error"
    case 71: "the system lacks memory or the like"
    case 73: "a file could not be created"
    case 74: "a file could not be read or written"
    case 75: "stopped on request"
    case 76: "a rank did not answer"
    case 77: "permission denied"
    case 78: "the training diverged or its settings do not fit"
    case 126, 127: "the command could not be run"
    case 205: "a host was lost"
    case 129...192: "a rank was killed by signal \(code - 128)"
    case 255: "a host was lost, or the login to it"
    default: "mpirun failed"
    }
  }
}
