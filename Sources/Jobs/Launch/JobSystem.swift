internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A process that a supervisor started.
package protocol SupervisedProcess: AnyObject {
  /// The exit code, 128 + the signal's number for one that a signal ended; nil while the process runs.
  func poll() -> Int32?
  /// Sends a signal, unless the process has ended.
  func signal(_ number: Int32)
  /// Whether processes that it has started are left; true where the system does not tell.
  var hasChildren: Bool { get }
}

extension SupervisedProcess {
  package var hasChildren: Bool { true }
}

extension ChildProcess: SupervisedProcess {
  /// By `/proc/PID/task/TID/children` (proc(5)), which not every kernel has.
  package var hasChildren: Bool {
    let tasks = "/proc/\(identifier)/task"
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return true }
    return names.contains { name in
      guard let text = try? String(contentsOfFile: "\(tasks)/\(name)/children", encoding: .utf8) else {
        return true
      }
      return !text.isEmpty
    }
  }
}

/// What a supervisor asks of the world: processes, signals, hosts, files and time.
package protocol JobSystem {
  /// Seconds on a clock that only goes forward.
  func now() -> Double
  /// The next signal to this process, nil if none comes within so many seconds. SIGCHLD counts too.
  func nextSignal(withinSeconds seconds: Double) -> Int32?
  /// Those of `hosts` that answer.
  ///
  /// - Throws: if they cannot be asked.
  func reachable(_ hosts: [String]) throws -> Set<String>
  /// Writes a hostfile for `mpirun` and returns its path.
  ///
  /// - Throws: if it cannot be written.
  func write(_ hostfile: Hostfile) throws -> String
  /// The slots of the hosts of a hostfile that `write` wrote at `path`, as `mpirun` with the options and parameters of
  /// `call` counts them; nil if it cannot tell.
  func slots(of hostfile: Hostfile, at path: String, for call: MPIRun) -> Int?
  /// Removes a hostfile that `write` wrote.
  func removeHostfile(_ path: String)
  /// Starts `mpirun` with this program's `command`.
  ///
  /// - Throws: if it cannot be started.
  func start(_ call: MPIRun, _ command: [String]) throws -> any SupervisedProcess
  /// The checkpoints that the run has now.
  func checkpoints() -> Set<WrittenCheckpoint>
  /// Tells the user.
  func report(_ event: JobEvent)
}

/// A checkpoint as it was written: another one of the same step is another value.
package struct WrittenCheckpoint: Hashable, Sendable {
  /// The training steps that it holds.
  package let step: Int
  /// What tells one writing of a file from another, e.g. inode and time of the last change.
  package let stamp: String

  /// A checkpoint of a step.
  package init(step: Int, stamp: String) {
    self.step = step
    self.stamp = stamp
  }

  /// The checkpoint of `step` in the file at `path`; nil if there is none.
  package init?(step: Int, path: String) {
    var info = stat()
    guard stat(path, &info) == 0 else { return nil }
    self.init(step: step, stamp: "\(info.st_ino):\(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec)")
  }
}

/// What a supervisor tells of its job.
package enum JobEvent: Hashable, Sendable {
  /// These hosts do not answer; the others wait for them for so many seconds, nil if the job starts without
  /// them.
  case noAnswer(hosts: [String], waitingSeconds: Double?)
  /// `mpirun` is called, in these words.
  case calling(words: [String])
  /// Somebody asked for a stop: the ranks save first.
  case stopping
  /// The job was asked to stop, and ended in another way.
  case stopFailed(JobAttempt)
  /// The job failed and starts again after a pause of so many seconds, for the `restart`-th time without
  /// progress.
  case restarting(after: JobAttempt, restart: Int, pauseSeconds: Int)
  /// The job has gone through a storm to its end.
  case survived(StormDamage)
  /// The job failed for good; all attempts, the last one last.
  case givingUp(reason: String, attempts: [JobAttempt])
}

/// One start of a job and how it ended.
package struct JobAttempt: Hashable, Sendable {
  /// How many ranks ran, and where.
  package var place: String
  /// From start to end.
  package var seconds: Double
  /// What `mpirun` ended with.
  package var exitCode: Int32
  /// The step of the newest checkpoint when it had ended, nil if there was none.
  package var newestStep: Int?

  /// An attempt that ended.
  package init(place: String, seconds: Double, exitCode: Int32, newestStep: Int?) {
    self.place = place
    self.seconds = seconds
    self.exitCode = exitCode
    self.newestStep = newestStep
  }
}
