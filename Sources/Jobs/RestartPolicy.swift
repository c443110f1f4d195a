/// What to do when a job has ended: go on, and after how long, or give up.
///
/// Restarts are counted since the last progress, a newer checkpoint than at the start before: a job of weeks may
/// lose a node many times, while one that fails on the spot is not tried for ever.
public struct RestartPolicy: Sendable {
  /// What follows an end.
  public enum Decision: Hashable, Sendable {
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
  public static let longestPause = 60

  /// Restarts without progress in between that are allowed.
  public let maximumRestarts: Int
  /// Restarts since the last progress.
  public private(set) var restarts = 0

  public init(maximumRestarts: Int) {
    self.maximumRestarts = maximumRestarts
  }

  /// Decides after an end with `exitCode`; `hasProgressed` if there is a newer checkpoint than when it started.
  public mutating func decide(exitCode: Int32, hasProgressed: Bool) -> Decision {
    switch exitCode {
    case 0: return .finished
    case 75: return .stopped
    case 64, 65, 66, 69, 73, 77, 78, 126, 127:
      return .giveUp(reason: "this would happen again")
    default: break
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
    return .restart(afterSeconds: min(1 << min(restarts - 1, 16), Self.longestPause))
  }

  /// What an exit code of `mpirun` tells, in words.
  public static func meaning(ofExitCode code: Int32) -> String {
    switch code {
    case 64: "wrong usage"
    case 65: "malformed data"
    case 66: "no data"
    case 69: "MPI did not work"
    case 70: "an internal error"
    case 73: "a file could not be created"
    case 74: "a file could not be read or written"
    case 75: "stopped on request"
    case 76: "a rank did not answer"
    case 77: "permission denied"
    case 78: "the training diverged or its settings do not fit"
    case 126, 127: "the command could not be run"
    case 205: "a host was lost"
    case 129...: "a rank was killed by signal \(code - 128)"
    default: "mpirun failed"
    }
  }
}

/// How many ranks to start where.
public struct RankPlan: Hashable, Sendable {
  /// The hosts that answer.
  public let hostfile: Hostfile
  /// nil to let Open MPI fill all slots.
  public let ranks: Int?

  /// Plans for the hosts of `hostfile` that are in `reachable`: `wanted` ranks, or as many as there is room for.
  /// Who wants more ranks than all hosts together have slots, gets them on any hosts.
  ///
  /// Returns nil where no host is left.
  public init?(hostfile: Hostfile, reachable: Set<String>, wanted: Int?) {
    let hosts = hostfile.hosts.filter { reachable.contains($0.name) }
    guard !hosts.isEmpty else { return nil }
    self.hostfile = Hostfile(hosts: hosts)
    guard let wanted else {
      ranks = nil
      return
    }
    if let all = hostfile.slots, let left = self.hostfile.slots, wanted <= all {
      ranks = min(wanted, left)
    } else {
      ranks = wanted
    }
  }
}
