import ArgumentParser
import CProcessor
import Collectives
import Files
import Foundation
import Jobs
import Runs
import Tensors
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
    InheritedState.repair()
    do throws(JobError) {
      try InheritedState.requireLimits()
    } catch {
      Console.notice(error.description)
      Foundation.exit(error.exitCode)
    }
    if let missing = cprocessor_missing() {
      Console.notice(
        "this binary was built for processors with \(String(cString: missing)), which this one lacks: build with "
          + "LOCKSTEP_MARCH=x86-64 or another -march name")
      Foundation.exit(69)
    }
    // The handler has a stack of its own, for when it is the stack that has run out.
    var stack = stack_t()
    stack.ss_size = 64 << 10
    stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: stack.ss_size, alignment: 64)
    sigaltstack(&stack, nil)
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      handleOnOwnStack(number) { number in
        var message: StaticString = "lockstep: internal error: this rank crashed\n"
        var code: Int32 = 70
        if ReductionPlugin.isRunning {
          message = "lockstep: the reduction plugin crashed in this rank\n"
        } else if number == SIGBUS {
          message = """
            lockstep: the memory that ranks of a node share has run out: make /dev/shm larger, or do without it by \
            --no-shared-memory

            """
          code = 71
        } else if !hasRoom(forBytes: 32 << 20) {
          // What libraries do without memory is to crash.
          message = """
            lockstep: memory has run out, or the address space that this process may use (ulimit -v)

            """
          code = 71
        } else if number == SIGABRT {
          // Swift's own checks end otherwise.
          message = """
            lockstep: a library gave up in this rank, most likely for lack of memory or of address space (ulimit -v)

            """
          code = 71
        } else if number == SIGILL || number == SIGTRAP {
          message = "lockstep: internal error: a check in this rank failed\n"
        }
        write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
        _exit(code)
      }
    }
    // A reader that went away (`| head`) must not look like a crash.
    signal(SIGPIPE, SIG_DFL)
  }

  /// As `signal`, for a handler that runs on the stack that `sigaltstack` has set.
  private static func handleOnOwnStack(_ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    var action = sigaction()
    #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sa_handler.sa_handler = handler
    #endif
    action.sa_flags = Int32(SA_ONSTACK)
    sigaction(number, &action, nil)
  }

  /// Checks that the words of the command line are text: others could not be told from paths that are spelled with a
  /// replacement character, and the wrong files would be read or written.
  ///
  /// - Throws: `ValidationError` naming the first one that is no UTF-8.
  static func requireReadableWords() throws {
    for index in 0..<Int(CommandLine.argc) {
      guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else { continue }
      throw ValidationError(
        "the word '\(String(cString: word))' is not in UTF-8: give that file or folder another name, or a link"
      )
    }
  }

  /// The ranks of this job; MPI is started by the first call, and all ranks must then run the same command, with the same
  /// arguments or, where these are compared later or may differ, any; builds may differ where that is said. A rank that
  /// waits for others for more than `stallTimeout` seconds ends.
  static func world(
    stallTimeout: Int = StallWatchdog.defaultSeconds, sameArguments: Bool = true, sameBuild: Bool = true
  ) throws -> any Communicator {
    if let communicator { return communicator }
    let world = try makeWorldCommunicator(stallTimeout: stallTimeout)
    communicator = world
    let words = CommandLine.arguments.dropFirst()
    world.willEnter("the start", step: 0)
    try requireSameProgram(
      words: Array(sameArguments ? words : words.prefix(1)), build: sameBuild ? ProgramIdentity.current : "",
      communicator: world)
    return world
  }

  /// The first rank that the launcher gave the same words as this one. Open MPI counts the ranks of each command of
  /// `mpirun -n 1 lockstep … : -n 2 lockstep …`.
  private static let firstRankOfCommand: Int = {
    let environment = ProcessInfo.processInfo.environment
    let counts = (environment["OMPI_APP_CTX_NUM_PROCS"] ?? "").split(separator: " ").compactMap { Int($0) }
    guard let index = environment["OMPI_MCA_orte_app_num"].flatMap({ Int($0) }), index > 0,
      index < counts.count
    else { return 0 }
    return counts[..<index].reduce(0) { $0 &+ $1 }
  }()

  /// Whether all ranks of this one's command have its words: Open MPI was told to start just these. Behind a script, or
  /// another launcher, each rank may have words of its own.
  private static let sharesWords: Bool = {
    let environment = ProcessInfo.processInfo.environment
    func name(_ path: String?) -> Substring? { path?.split(separator: "/").last }
    return name(environment["OMPI_COMMAND"]) == name(CommandLine.arguments.first)
      && environment["OMPI_ARGV"] ?? "" == CommandLine.arguments.dropFirst().joined(separator: " ")
  }()

  /// Ends this process because of what was typed: usage errors, `--help`, `--version`. Of ranks that were surely given the
  /// same words only the first answers; of others each says in one line what is wrong.
  static func exitParsing(with error: any Error, of command: any ParsableCommand.Type) -> Never {
    let code = command.exitCode(for: error)
    let rank = launchedRank ?? 0
    var text = ""
    if rank == firstRankOfCommand {
      text = command.fullMessage(for: error)
    } else if code != .success, !sharesWords {
      text = "lockstep: rank \(rank): \(command.message(for: error))"
    }
    if code == .success, !text.isEmpty { print(text) }
    if code != .success, !text.isEmpty {
      try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
    // The first rank that ends takes the others along: the one that says why must not be among these.
    if code != .success, text.isEmpty { sleep(2) }
    end(code: code.rawValue)
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
    Console.flush()
    communicator?.finalize()
    communicator = nil
  }

  /// Ends this process in step with its peers; with 74 if all went well but what it had to say could not be written.
  static func finish(code: Int32) -> Never {
    leave()
    end(code: code)
  }

  private static func end(code: Int32) -> Never {
    do {
      try Console.requireOutput()
    } catch  where code == 0 {
      Console.notice(error.description)
      Foundation.exit(error.exitCode)
    } catch {}
    Foundation.exit(code)
  }
}
