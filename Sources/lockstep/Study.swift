import ArgumentParser
import Collectives
import Files
import Foundation
import Runs
import Training
import Tuning

/// `lockstep study`.
struct Study: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a recipe from many seeds, or compare two: every run, means, intervals, a paired test.",
    discussion: """
      Examples:
        mpirun -n 2 lockstep study --recipe quick --seeds 20
        mpirun -n 8 lockstep study --recipe quick --recipe runs/search/best.json --seeds 20 --out runs/study
      Every run is that of `lockstep train` with the same recipe and --seed, to the bit. The test set is scored once at the \
      end of each. Signals stop it with exit code 75, and --resume goes on.
      """)

  @Option(
    help: ArgumentHelp(
      "A recipe: a name or a JSON file. Give it twice to compare two.", valueName: "name|file.json"))
  var recipe: [String] = []

  @Option(help: "Runs of each recipe, with seeds that follow one another. Default: 10.")
  var seeds: Int?

  @Option(help: "The first of the seeds. Default: 0.")
  var firstSeed: UInt64?

  @OptionGroup var options: TrialOptions

  private static let defaultSeeds = 10

  func validate() throws {
    try require("--seeds", seeds, in: 1...StudySettings.mostSeeds)
    guard recipe.count <= 2 else {
      throw ValidationError("--recipe: expected one or two, found \(recipe.count)")
    }
    if let firstSeed, firstSeed > UInt64.max - UInt64(StudySettings.mostSeeds) {
      throw ValidationError(
        "--first-seed must leave room for \(StudySettings.mostSeeds) seeds, found \(firstSeed)")
    }
    if recipe.isEmpty, !options.mayContinue {
      throw ValidationError("--recipe: expected one or two, found none")
    }
  }

  mutating func run() throws {
    let world = try options.start()
    let isRoot = world.rank == 0
    let prepared = try together(world) { isRoot ? try prepare() : nil }
    let console = StudyConsole(isQuiet: options.quiet)
    let data = try TrialData(
      over: world, keepsTest: true, open: options.dataOptions.open,
      notice: { if isRoot { Console.notice($0) } })
    let farm = TrialFarm(over: world, data: data, stallTimeout: options.stallTimeout)
    let options = options
    let code = try farm.run { farm in
      guard let prepared else { return 70 }
      let study = try StudyRun(
        prepared.settings, folder: prepared.folder, lock: prepared.lock, data: data, ranks: world.worldSize,
        ranksPerTrial: options.ranksPerTrial, observer: console)
      guard let figures = try study.run(farm) else {
        Console.write(
          "stopped on request; go on with: lockstep study --out \(prepared.folder.path) --resume\n")
        return 75
      }
      Console.write((figures.lines + [prepared.folder.path]).map { $0 + "\n" }.joined())
      return 0
    }
    RankProcess.finish(code: code)
  }

  /// What is to be done in which folder; on the root alone.
  private func prepare() throws -> (settings: StudySettings, folder: TrialFolder, lock: FolderLock) {
    let stems = recipe.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent }
    // Two files of one name are told apart by their paths.
    let names = Set(stems).count == stems.count ? stems : recipe.enumerated().map { "\($1) (\($0 + 1))" }
    let subjects = try zip(names, recipe).map { name, text in
      let recipe = try RecipeOptions.read(text, option: "--recipe")
      try recipe.validate()
      return StudySettings.Subject(name: name, recipe: recipe)
    }
    let (folder, lock) = try options.claim(.study, name: "study-\(stems.first ?? "recipe")")
    guard folder.isUsed else {
      guard !subjects.isEmpty else {
        throw RunError("\(folder.path) holds no study yet: a new one needs --recipe", exitCode: 64)
      }
      let settings = StudySettings(
        subjects: subjects, firstSeed: firstSeed ?? 0, seeds: seeds ?? Self.defaultSeeds)
      return (settings, folder, lock)
    }
    let old = try folder.readSettings(StudySettings.self)
    let asked = StudySettings(
      subjects: subjects.isEmpty ? old.subjects : subjects, firstSeed: firstSeed ?? old.firstSeed,
      seeds: seeds ?? old.seeds)
    return (try asked.resuming(old, extends: options.extend, in: folder.path), folder, lock)
  }
}

/// Prints each run as it ends.
private final class StudyConsole: StudyRun.Observer {
  private let isQuiet: Bool

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  func studyDidRun(_ name: String, _ run: StudyFigures.Run, done: Int, of all: Int) {
    if !isQuiet { Console.write("\(done)/\(all)  \(StudyFigures.line(name, run))\n") }
  }
}
