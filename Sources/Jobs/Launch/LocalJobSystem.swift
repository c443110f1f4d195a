internal import Files
internal import Foundation

/// The world as it is: `mpirun` on this host, `ssh` to the others.
package struct LocalJobSystem: JobSystem {
  private let signals: SignalQueue
  private let login: [String]
  private let environment: [String: String]
  private let findCheckpoints: () -> Set<WrittenCheckpoint>
  private let tell: (JobEvent) -> Void

  /// Asks hosts with the words `login`, as in `["ssh"]`, and calls `mpirun` in `environment`.
  /// `checkpoints` looks into the run's folder; `report` tells the user.
  package init(
    signals: SignalQueue, login: [String], environment: [String: String],
    checkpoints: @escaping () -> Set<WrittenCheckpoint>, report: @escaping (JobEvent) -> Void
  ) {
    self.signals = signals
    self.login = login
    self.environment = environment
    findCheckpoints = checkpoints
    tell = report
  }

  package func now() -> Double { MonotonicClock.now() }

  package func nextSignal(withinSeconds seconds: Double) -> Int32? { signals.next(withinSeconds: seconds) }

  package func reachable(_ hosts: [String]) throws -> Set<String> {
    try Reachability.reachable(hosts, ssh: login)
  }

  package func write(_ hostfile: Hostfile) throws -> String {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-hosts-\(ProcessInfo.processInfo.processIdentifier)")
    try writeFile(hostfile.text.utf8, to: file.path)
    return file.path
  }

  package func slots(of hostfile: Hostfile, at path: String, for call: MPIRun) -> Int? {
    // Why it cannot tell is told by the call that needs them.
    try? OpenSlots.count(
      hostfile, path: path, options: call.options, parameters: call.parameters, environment: environment,
      signals: nil)
  }

  package func removeHostfile(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  package func start(_ call: MPIRun, _ command: [String]) throws -> any SupervisedProcess {
    let words = call.words(command, program: MPIRun.program, environment: environment)
    tell(.calling(words: words))
    return try ChildProcess(words, environment: environment)
  }

  package func checkpoints() -> Set<WrittenCheckpoint> { findCheckpoints() }

  package func report(_ event: JobEvent) { tell(event) }
}
