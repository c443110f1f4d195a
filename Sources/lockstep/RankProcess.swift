import ArgumentParser
import CProcessor
import Collectives
import Files
import Foundation
import Jobs
import Runs
import Training

/// How this process was started and how it ends.
enum RankProcess {
  nonisolated(unsafe) private(set) static var startTime = 0.0
  nonisolated(unsafe) private static var communicator: (any Communicator)?

  /// The rank that a launcher gave this process, known before MPI is initialised; nil without a launcher.
  private static let launchedRank: Int? = {
    let environment = ProcessInfo.processInfo.environment
    return ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy
      .compactMap { environment[$0].flatMap { Int($0) } }.first
  }()

  /// Whether `mpirun` or the like started this process.
  static var isUnderLauncher: Bool { launchedRank != nil }

  /// Called first: remembers the time, and makes a crash end all ranks with one sentence.
  static func start() {
    startTime = MonotonicClock.now()
    if let missing = cprocessor_missing() {
      Console.notice(
        "this binary was built for processors with \(String(cString: missing)), which this one lacks: build with "
          + "LOCKSTEP_MARCH=x86-64 or another -march name")
      Foundation.exit(69)
    }
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE] {
      signal(number) { number in
        var message: StaticString = "lockstep: internal error: this rank crashed\n"
        var code: Int32 = 70
        if number == SIGILL || number == SIGTRAP {
          message = "lockstep: internal error: a check in this rank failed\n"
        } else if number == SIGBUS {
          message = """
            lockstep: the memory that ranks of a node share has run out: make /dev/shm larger, or do without it by \
            --no-shared-memory

            """
          code = 71
        }
        write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
        _exit(code)
      }
    }
    // A reader that went away (`| head`) must not look like a crash.
    signal(SIGPIPE, SIG_DFL)
  }

  /// The ranks of this job; MPI is started by the first call. A rank that waits for others for more than
  /// `stallTimeout` seconds ends.
  static func world(stallTimeout: Int = StallWatchdog.defaultSeconds) throws -> any Communicator {
    if let communicator { return communicator }
    let world = try makeWorldCommunicator(stallTimeout: stallTimeout)
    communicator = world
    return world
  }

  /// Ends this process because of what was typed: usage errors, `--help`, `--version`. Every rank was given the
  /// same words, so only the root answers.
  static func exitParsing(with error: any Error, of command: any ParsableCommand.Type) -> Never {
    if launchedRank ?? 0 == 0 { command.exit(withError: error) }
    Foundation.exit(command.exitCode(for: error).rawValue)
  }

  /// Ends this process, and the job with it: the sentence is printed once, by the root for what all ranks know,
  /// by the rank itself for what it alone knows; that rank then aborts the others.
  static func exit(with error: any Error, of command: any ParsableCommand.Type) -> Never {
    let isRequest = command.exitCode(for: error) == .success  // --help, --version
    if isRequest || error is ValidationError || error is ExitCode {
      exitParsing(with: error, of: command)
    }
    let runError = RunError(error)
    guard let communicator else {
      Console.notice(runError.description)
      Foundation.exit(runError.exitCode)
    }
    if runError.isShared || communicator.worldSize == 1 {
      if communicator.rank == 0 { Console.notice(runError.description) }
      finish(code: runError.exitCode)
    }
    Console.notice("rank \(communicator.rank): \(runError.description)")
    communicator.abort(code: runError.exitCode)
  }

  /// Takes leave of the other ranks, in step with them: what comes after it keeps nobody waiting.
  static func leave() {
    fflush(nil)
    communicator?.finalize()
    communicator = nil
  }

  /// Ends this process in step with its peers.
  static func finish(code: Int32) -> Never {
    leave()
    fflush(nil)
    Foundation.exit(code)
  }
}
