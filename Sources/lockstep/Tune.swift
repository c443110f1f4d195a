import ArgumentParser
import Collectives
import Files
import Foundation
import Runs
import Training
import Tuning

/// `lockstep tune`.
struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Search hyperparameters: successive halving over a space of recipes, judged by validation.",
    discussion: """
      Examples:
        lockstep tune --space quick --trials 9 --out runs/search
        mpirun -n 8 lockstep tune space.json --trials 81 --budget 2h --out runs/search
        mpirun -n 2 lockstep tune --out runs/search --resume
        lockstep tune wider.json --out runs/search --extend --trials 54
        lockstep train --recipe runs/search/best.json
      A space is JSON: {"recipe": "quick", "parameters": {"globalBatch": {"choices": [32, 64]}, \
      "optimizer.learningRate": {"log": [0.005, 0.1]}, "labelSmoothing": {"range": [0, 0.2]}}}; docs/tuning.md tells all. \
      The winner and the table are the same at any number of ranks. The test set is not looked at.
      Signals stop it with exit code 75, and --resume goes on.
      """)

  @Argument(help: ArgumentHelp("The space: a JSON file.", valueName: "space.json"))
  var file: String?

  @Option(help: "A built-in space: \(SearchSpace.names.joined(separator: ", ")).")
  var space: String?

  @Option(
    name: [.customLong("trials"), .customLong("max-trials")],
    help: "Trials to draw, in all. Default: \(SearchRequest.defaultTrials).")
  var trials: Int?

  @Option(
    help: ArgumentHelp(
      "End after this many training samples, or this much time: 2000000, '90 minutes', 2h.",
      discussion: "In samples it ends at the same trial anywhere; in time, where the time is up.",
      valueName: "amount"))
  var budget: String?

  @Option(
    help: "Where trials are in the space: random or sobol. Default: \(SearchRequest.defaultSampler.rawValue)."
  )
  var sampler: Sampler?

  @Option(help: "The seed that trials are drawn by; that of a trial's weights is its recipe's. Default: 0.")
  var seed: UInt64?

  @Option(
    help:
      "One in N trials goes on to the next rung, with N times the budget. Default: \(SearchRequest.defaultEta)."
  )
  var eta: Int?

  @Option(help: "Rungs, the last of which has the whole budget. Default: what leaves one trial, at most 4.")
  var rungs: Int?

  @OptionGroup var options: TrialOptions

  func validate() throws {
    try require("--trials", trials, in: 1...SearchSettings.mostTrials)
    try require("--eta", eta, in: 2...SearchSettings.greatestEta)
    try require("--rungs", rungs, in: 1...SearchSettings.mostRungs)
    try requireName(file, "the space's file")
    if let budget, SearchBudget(budget) == nil {
      throw ValidationError(
        "--budget: expected samples or a time, e.g. 2000000, '90 minutes' or 2h, found '\(budget)'")
    }
    if file != nil, space != nil {
      throw ValidationError("a space's file and --space are two words for one thing: give one")
    }
    if let space, SearchSpace.named(space) == nil {
      throw ValidationError(
        "--space: expected one of \(SearchSpace.names.joined(separator: ", ")), found '\(space)'")
    }
  }

  mutating func run() throws {
    let world = try options.start()
    let isRoot = world.rank == 0
    let prepared = try together(world) { isRoot ? try prepare() : nil }
    let console = SearchConsole(isQuiet: options.quiet, terminal: isRoot ? Terminal.current : nil)
    let data = try TrialData(
      over: world, keepsTest: false, open: options.dataOptions.open,
      notice: { if isRoot { console.notice($0) } })
    let farm = TrialFarm(over: world, data: data, stallTimeout: options.stallTimeout)
    let (options, budget) = (options, budget.flatMap { SearchBudget($0) })
    let code = try farm.run { farm in
      guard let prepared else { return 70 }
      let search = try SearchRun(
        prepared.settings, folder: prepared.folder, lock: prepared.lock, data: data, ranks: world.worldSize,
        ranksPerTrial: options.ranksPerTrial, budget: budget, observer: console)
      let end = try search.run(farm)
      console.show(try SearchScreen(folder: prepared.folder))
      return end == .stopped ? 75 : 0
    }
    RankProcess.finish(code: code)
  }

  /// What is to be done in which folder; on the root alone.
  private func prepare() throws -> (settings: SearchSettings, folder: TrialFolder, lock: FolderLock) {
    var request = SearchRequest()
    if let space = try readSpace() { request.space = space.document }
    (request.trials, request.sampler, request.seed, request.eta, request.rungs) = (
      trials, sampler, seed, eta, rungs
    )
    let stem =
      file.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent } ?? space ?? "search"
    // Before a folder is made.
    let isUsed = options.out.map { TrialFolder(path: $0, kind: .search).isUsed } ?? false
    let fresh = isUsed ? nil : try request.settings()
    let (folder, lock) = try options.claim(.search, name: "tune-\(stem)")
    if let fresh { return (fresh, folder, lock) }
    let old = try SearchScreen(folder: folder).settings
    let settings =
      options.extend
      ? try request.extending(old, in: folder.path) : try request.resuming(old, in: folder.path)
    return (settings, folder, lock)
  }

  private func readSpace() throws -> SearchSpace? {
    if let space { return SearchSpace.named(space) }
    guard let file else { return nil }
    let bytes: [UInt8]
    do throws(FileError) { bytes = try readFile(file) } catch { throw RunError(error) }
    return try SearchSpace.parse(Data(bytes), origin: file)
  }
}

extension Sampler: ExpressibleByArgument {}
