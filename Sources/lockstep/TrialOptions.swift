import ArgumentParser
import Collectives
import Files
import Foundation
import Runs
import Training
import Tuning

/// What `tune` and `study` have in common.
struct TrialOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The folder for all results.", valueName: "folder"))
  var out: String?

  @Flag(help: "Go on with what the folder has; nothing is trained twice.")
  var resume = false

  @Flag(help: "Go on with what the folder has, and with more of it: --trials, another space; --seeds.")
  var extend = false

  @Option(
    help: ArgumentHelp(
      "Train each trial on this many ranks.",
      discussion:
        "Default: on one each while there are trials for all, then on as many as there are. The same results."
    ))
  var ranksPerTrial: Int?

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
    try require("--ranks-per-trial", ranksPerTrial, in: 1...mostRanks)
    try require("--stall-timeout", Double(stallTimeout), in: 0...86400, "seconds")
    try requireName(out, "--out")
    if resume || extend, out == nil {
      throw ValidationError("\(extend ? "--extend" : "--resume") needs --out, the folder to go on with")
    }
  }

  /// Whether the folder may hold what is to go on.
  var mayContinue: Bool { resume || extend }

  /// Starts the ranks. Called first.
  func start() throws -> any Communicator {
    try productOptions.choose()
    StopSignals.install()
    // A reader that went away is no reason to stop: the folder holds everything.
    signal(SIGPIPE, SIG_IGN)
    let world = try RankProcess.world(stallTimeout: stallTimeout)
    try together(world) {
      guard let ranksPerTrial, ranksPerTrial > world.worldSize else { return }
      throw RunError(
        "--ranks-per-trial must be at most the number of ranks, \(world.worldSize), found \(ranksPerTrial)",
        exitCode: 64)
    }
    return world
  }

  /// Claims the folder, or a new one called after `name`; on the root alone.
  ///
  /// - Throws: `RunError` with exit code 73.
  func claim(_ kind: TrialFolder.Kind, name: String) throws -> (folder: TrialFolder, lock: FolderLock) {
    var (path, created) = (out ?? "", [String]())
    if out == nil {
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.dateFormat = "yyyy-MM-dd-HHmmss"
      (path, created) = try PendingFile.createFreshFolder("runs/\(name)-\(formatter.string(from: Date()))")
    }
    let folder = TrialFolder(path: path, kind: kind)
    return (folder, try folder.claim(mayContinue: mayContinue, created: created))
  }
}
