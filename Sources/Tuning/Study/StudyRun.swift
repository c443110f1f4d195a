package import Files
internal import Foundation
internal import Runs
package import Training

/// Carries a study out, on the root.
package final class StudyRun {
  /// Told of what happens.
  package protocol Observer: AnyObject {
    /// A run of a recipe came to its end; so many of all are done.
    func studyDidRun(_ name: String, _ run: StudyFigures.Run, done: Int, of all: Int)
  }

  private let settings: StudySettings
  private let keeper: TrialKeeper
  private let items: [TrialKeeper.Item]
  private let ranksPerTrial: Int?
  private let observer: (any Observer)?
  private var results: [String: TrialResult] = [:]

  /// Goes on with what the folder's journal has.
  ///
  /// - Throws: `RunError` if the folder is another study's, or cannot be read or written, or a recipe does not fit the
  ///   dataset.
  package init(
    _ settings: StudySettings, folder: TrialFolder, lock: FolderLock, data: TrialData, ranks: Int,
    ranksPerTrial: Int?, observer: (any Observer)?
  ) throws {
    var settings = settings
    guard settings.isPlausible else {
      throw RunError(
        "\(folder.settings): expected the settings of a study, found numbers that no study has", exitCode: 65)
    }
    try settings.place.settle(Place(data), in: folder)
    let journal = try Journal(path: folder.journal)
    items = try settings.subjects.enumerated().flatMap { index, subject in
      var recipe = try data.fitted(
        Recipe.parse(Data(subject.recipe.json.utf8), origin: "recipe \(subject.name)"))
      return (0..<settings.seeds).map { number in
        recipe.seed = settings.firstSeed + UInt64(number)
        return TrialKeeper.Item(
          number: index * settings.seeds + number, trial: index, rung: 0, values: [:], recipe: recipe,
          digest: recipe.digest)
      }
    }
    (self.settings, self.ranksPerTrial, self.observer) = (settings, ranksPerTrial, observer)
    try folder.write(TrialFolder.text(settings), to: folder.settings)
    keeper = try TrialKeeper(folder: folder, lock: lock, journal: journal, data: data, ranks: ranks)
    for record in journal.records { results[record.digest] = record.result }
  }

  /// Has everything trained that is missing, and writes down what it says; nil where a signal asked for a stop.
  ///
  /// - Throws: `RunError` if the folder cannot be written any more; what a rank met.
  package func run(_ farm: TrialFarm) throws -> StudyFigures? {
    var taken: Set<String> = []
    // Two recipes that are one are trained once.
    let missing = items.filter { results[$0.digest] == nil && taken.insert($0.digest).inserted }
    let isWhole = try keeper.train(
      missing, by: farm, ranksPerTrial: ranksPerTrial, mayBegin: { true }, didBegin: { _ in },
      didEnd: { [self] item, record in
        results[item.digest] = record.result
        observer?.studyDidRun(
          settings.subjects[item.trial].name, StudyFigures.Run(seed: item.recipe.seed, result: record.result),
          done: items.count { results[$0.digest] != nil }, of: items.count)
      })
    defer { keeper.release() }
    try keeper.requireLock()
    guard isWhole else {
      try keeper.event("stop")
      return nil
    }
    let runs = settings.subjects.indices.map { index in
      items.filter { $0.trial == index }.compactMap { item in
        results[item.digest].map { StudyFigures.Run(seed: item.recipe.seed, result: $0) }
      }
    }
    let figures = StudyFigures(settings.subjects.map(\.name), runs: runs)
    try keeper.folder.write(figures.csv, to: keeper.folder.table)
    try keeper.folder.write(TrialFolder.text(figures), to: keeper.folder.summary)
    try keeper.event("end")
    return figures
  }
}
