internal import Collectives
internal import Files
internal import Runs

/// How long a run waits for another process that writes its folder, in seconds: a process that is ending, or a moment's
/// look of somebody who watches.
private let patience = (start: 2.0, resumed: 5.0)
/// The same where that process is on another host, which may be lost: network file systems keep its lock for up to 90
/// seconds (NFSv4's lease).
private let remotePatience = 100.0

/// Gets the right to write into the run's folder, on the root. Called by all ranks.
///
/// A run that goes on waits for the root before it, which may be ending or whose host may be lost.
///
/// - Throws: a shared `RunError` with exit code 73 that names who has it.
func claimFolder(
  _ options: TrainingOptions, communicator: any Communicator, notice: (String) -> Void
) throws -> FolderLock? {
  let folder = options.folder
  let isResumed = if case .none = options.resume { false } else { true }
  let start = MonotonicClock.now()
  var claim = try together(communicator) {
    communicator.rank == 0 ? try FolderClaim(folder.path, created: folder.created) : nil
  }
  var hasTold = false
  // Ranks meet in every turn, so that none of them waits long enough to seem lost.
  while true {
    let lock = try together(communicator) { () -> FolderLock? in
      switch try claim?.attempt() {
      case .taken(let lock): return lock
      case nil: return nil
      case .held(let holder):
        if !isResumed { try folder.requireFree() }
        let isRemote = holder.map { !$0.isHere } ?? false
        let limit = !isResumed ? patience.start : isRemote ? remotePatience : patience.resumed
        let who = holder.map { "process \($0.process) on \($0.host)" } ?? "of unknown number"
        guard MonotonicClock.now() - start < limit, !StopSignals.isStopRequested else {
          throw RunError(
            "\(folder.path) is being written by another process (\(who)): wait for its end, stop it, or name another "
              + "folder with --run", exitCode: 73)
        }
        if isRemote, !hasTold {
          notice("\(folder.path) is being written by \(who): waiting up to \(Int(limit)) s for its end")
          hasTold = true
        }
        pause(milliseconds: 20)
        return nil
      }
    }
    let isTaken = try communicator.allGather(numbers: [lock == nil ? 0 : 1])[0][0] == 1
    if isTaken { return lock }
  }
}

/// Checks that the folder is still this run's.
///
/// - Throws: `RunError` with exit code 73 if another process has taken it over.
func requireLock(_ lock: FolderLock?, of folder: RunFolder) throws(RunError) {
  guard let other = lock?.successor else { return }
  throw RunError(
    "\(folder.path) was taken over by process \(other.process) on \(other.host) while this one did not answer: this "
      + "one writes no more", exitCode: 73)
}
