import Foundation

/// Runs the real `lockstep`, alone or under `mpirun`.
struct Command {
  /// What a finished process left.
  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  /// The `lockstep` that was built together with these tests.
  static let binary = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("lockstep").path

  var executable: String
  var arguments: [String]
  var environment: [String: String] = [:]
  /// After so many seconds the process is killed, so that a hang is a failure.
  var limit = 120.0

  /// `lockstep ARGUMENTS` without MPI.
  static func alone(_ arguments: String...) -> Command {
    Command(executable: binary, arguments: arguments)
  }

  /// `mpirun -n RANKS lockstep ARGUMENTS`; all ranks share the cores there are.
  static func ranks(_ count: Int, mpi: [String] = [], _ arguments: [String]) -> Command {
    Command(executable: "mpirun", arguments: mpirun(count, mpi) + [binary] + arguments)
  }

  /// The arguments of `mpirun` for `count` ranks on whatever cores there are.
  static func mpirun(_ count: Int, _ more: [String] = []) -> [String] {
    [
      "--quiet", "-n", "\(count)", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle",
      "1",
    ] + more
  }

  func run() throws -> Outcome {
    try start().wait()
  }

  /// Starts the process and returns while it runs.
  func start() throws -> Running {
    try Running(self)
  }

  /// A process under way.
  final class Running {
    let process = Process()
    private let folder: URL
    private let limit: Double

    init(_ command: Command) throws {
      limit = command.limit
      folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("lockstep-command-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [command.executable] + command.arguments
      var environment = ProcessInfo.processInfo.environment
      if getuid() == 0 {
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
      }
      process.environment = environment.merging(command.environment) { $1 }
      // Files, not pipes: nobody has to read while the process runs.
      for name in ["output", "errors"] {
        _ = FileManager.default.createFile(atPath: folder.appendingPathComponent(name).path, contents: nil)
      }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent("output"))
      process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent("errors"))
      // The child inherits this thread's signal mask, and test runners block signals on their threads.
      var (none, mask) = (sigset_t(), sigset_t())
      sigemptyset(&none)
      pthread_sigmask(SIG_SETMASK, &none, &mask)
      defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
      try process.run()
    }

    /// Sends a signal to the process itself.
    func signal(_ number: Int32) {
      kill(process.processIdentifier, number)
    }

    /// Returns once the process has said so, as often as that, on its standard error, or has ended.
    func waitForErrors(containing words: String, times: Int = 1) {
      let file = folder.appendingPathComponent("errors")
      func count() -> Int {
        ((try? String(contentsOf: file, encoding: .utf8)) ?? "").components(separatedBy: words).count - 1
      }
      while process.isRunning, count() < times { usleep(2000) }
    }

    /// What the process has written to its standard output once these words are there, or the process has ended.
    func waitForOutput(containing words: String) -> String {
      let file = folder.appendingPathComponent("output")
      while true {
        let isRunning = process.isRunning
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        if !isRunning || text.contains(words) { return text }
        usleep(2000)
      }
    }

    func wait() throws -> Outcome {
      let deadline = Date().addingTimeInterval(limit)
      while process.isRunning, Date() < deadline { usleep(5000) }
      let isLate = process.isRunning
      if isLate { signal(SIGKILL) }
      process.waitUntilExit()
      defer { try? FileManager.default.removeItem(at: folder) }
      func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
      }
      let late = isLate ? "\n[killed by the test after \(limit) seconds]" : ""
      let code =
        process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
      return Outcome(code: code, output: try text("output"), errors: try text("errors") + late)
    }
  }
}

/// A folder that is removed with the test.
final class ScratchFolder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-run-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of something in the folder.
  func callAsFunction(_ name: String) -> String {
    path + "/" + name
  }
}
