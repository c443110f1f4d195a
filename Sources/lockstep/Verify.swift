import ArgumentParser
import Collectives
import Files
import Formatting
import Foundation
import Runs
import Training

/// `lockstep verify`.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Re-execute steps of a run, alone or as the ranks of an mpirun, and compare them with its receipt.",
    discussion: """
      Examples:
        lockstep verify runs/quick
        mpirun -n 4 lockstep verify runs/keras --steps 801..1200
        lockstep verify runs/keras --sample 20
      Each piece begins with the nearest checkpoint before it, or with the beginning of the run, and every step on the way \
      is compared. The processor and the number of ranks may be others than the run's. Nothing in the run's folder changes. \
      Exit code 1: something is not the same.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Option(help: ArgumentHelp("These steps, counted from 1, e.g. 801..1200.", valueName: "first..last"))
  var steps: StepRange?

  @Option(
    help: ArgumentHelp(
      "So many steps, drawn at random, with the chance that a run with wrong steps would have passed.",
      valueName: "steps"))
  var sample: Int?

  @Option(
    help: ArgumentHelp(
      "The model that the run began with, where it began with one (train --from).", valueName: "model"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "A checkpoint to begin with, besides those in the folder: e.g. the one that the run went on from.",
      valueName: "file"))
  var checkpoint: [String] = []

  @Option(
    help: ArgumentHelp(
      "End the job when a rank has waited for others for this many seconds; 0 to wait for ever.",
      valueName: "seconds"))
  var stallTimeout = StallWatchdog.defaultSeconds

  @Flag(name: .shortAndLong, help: "Print nothing but errors and the last lines.")
  var quiet = false

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var productOptions: ProductOptions

  func validate() throws {
    try requireName(folder, "the run's folder")
    try require("--sample", sample, in: 1...Int.max)
    try require("--stall-timeout", Double(stallTimeout), in: 0...86400, "seconds")
    try requireName(from, "--from")
    for path in checkpoint { try requireName(path, "--checkpoint") }
  }

  func run() throws {
    try productOptions.choose()
    let communicator = try RankProcess.world(stallTimeout: stallTimeout)
    let isRoot = communicator.rank == 0
    var request = VerificationRequest(folder: RunFolder(path: folder))
    request.steps = steps?.range
    request.sample = sample
    request.initialModel = from
    request.checkpoints = checkpoint
    let line = StatusLine(isRoot && !quiet ? Terminal.current : nil)
    let verification = try Training.verify(
      request, over: communicator, openDataset: dataOptions.open(ofRun:),
      notice: { if isRoot { Console.notice($0) } },
      progress: { line.show("\(Numbers.grouped($0)) of \(Numbers.grouped($1)) steps") })
    line.clear()
    if isRoot { print(verification.text) }
    RankProcess.finish(code: verification.difference == nil ? 0 : 1)
  }
}

/// `801..1200`, or one step.
struct StepRange: ExpressibleByArgument {
  let range: ClosedRange<Int>

  init?(argument: String) {
    let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
    let ends = [parts.first, parts.last].compactMap { $0.flatMap { Int($0) } }
    guard parts.count == 1 || (parts.count == 3 && parts[1].isEmpty), ends.count == 2, ends[0] >= 1,
      ends[0] <= ends[1], ends[1] <= Recipe.mostSteps
    else { return nil }
    range = ends[0]...ends[1]
  }
}

/// A line of a terminal that is written anew; none where there is no terminal.
final class StatusLine {
  private let terminal: Terminal?
  private var lastDrawing = 0.0

  init(_ terminal: Terminal?) { self.terminal = terminal }

  func show(_ text: String) {
    let now = MonotonicClock.now()
    guard let terminal, now - lastDrawing > 0.05 else { return }
    lastDrawing = now
    Console.write("\r\u{1B}[K" + text.prefix(terminal.columns - 1))
  }

  func clear() {
    if terminal != nil, lastDrawing > 0 { Console.write("\r\u{1B}[K") }
  }
}
