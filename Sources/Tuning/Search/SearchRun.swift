internal import Digests
package import Files
internal import Runs
internal import Tensors
package import Training

/// Carries a search out, on the root: has its trials trained, and keeps the folder.
package final class SearchRun {
  /// How a search ended.
  package enum End: Sendable {
    case complete
    /// A signal asked for a stop; what was under way begins anew when the search goes on.
    case stopped
    /// The budget is used up.
    case outOfBudget
  }

  /// Told of what happens.
  package protocol Observer: AnyObject {
    /// Something happened: `record` is what a trial came to, if it was that.
    func searchDidChange(_ screen: SearchScreen, record: TrialRecord?)
    /// Something a user should know, in one sentence.
    func notice(_ sentence: String)
  }

  package private(set) var search: Search
  private let settings: SearchSettings
  private let keeper: TrialKeeper
  private let ranksPerTrial: Int?
  private let budget: SearchBudget?
  private let observer: (any Observer)?
  private let start = MonotonicClock.now()

  /// What somebody sees who looks now.
  package var screen: SearchScreen {
    SearchScreen(folder: keeper.folder, settings: settings, journal: keeper.journal, status: .running)
  }

  /// Goes on with what the folder's journal has. `settings` are what was asked for, without what the dataset adds.
  ///
  /// - Throws: `RunError` if the folder is another search's, or cannot be read or written.
  package init(
    _ settings: SearchSettings, folder: TrialFolder, lock: FolderLock, data: TrialData, ranks: Int,
    ranksPerTrial: Int?, budget: SearchBudget?, observer: (any Observer)?
  ) throws {
    var settings = settings
    try settings.place.settle(Place(data), in: folder)
    let journal = try Journal(path: folder.journal)
    search = try Search(
      settings, fit: data.fitted,
      plan: { [trainCount = data.facts.trainCount] in StepPlan($0, trainCount: trainCount) })
    search.add(journal.records)
    if search.trials.count < settings.trials {
      observer?.notice(
        "the space has \(search.trials.count) different trials, fewer than the \(settings.trials) that were asked for"
      )
    }
    (self.ranksPerTrial, self.budget, self.observer) = (ranksPerTrial, budget, observer)
    settings.drawn = search.trials.count
    // The settings are there before the first line that rests on them.
    try folder.write(TrialFolder.text(settings), to: folder.settings)
    self.settings = settings
    keeper = try TrialKeeper(folder: folder, lock: lock, journal: journal, data: data, ranks: ranks)
  }

  /// Has everything trained that is missing.
  ///
  /// - Throws: `RunError` if the folder cannot be written any more; what a rank met.
  package func run(_ farm: TrialFarm) throws -> End {
    observer?.searchDidChange(screen, record: nil)
    let end = try trainRungs(farm)
    try writeResults()
    try keeper.event(end == .complete ? "end" : end == .stopped ? "stop" : "budget")
    let folder = keeper.folder
    try folder.write(SearchReport(SearchScreen(folder: folder)).html(), to: folder.page)
    keeper.release()
    return end
  }

  private func trainRungs(_ farm: TrialFarm) throws -> End {
    for rung in 0..<search.halving.rungs {
      guard let rows = search.rows(ofRung: rung) else { return .outOfBudget }
      let affordable = affordable(rows)
      let missing = affordable.filter { $0.result == nil }
      if !missing.isEmpty {
        let isWhole = try train(missing, by: farm)
        // With every rung: whoever looks at the folder finds what is best so far.
        try writeResults()
        if !isWhole { return .stopped }
      }
      if search.rows(ofRung: rung)?.contains(where: { $0.result == nil }) ?? true { return .outOfBudget }
    }
    return .complete
  }

  /// The rows that a budget in samples pays for, in the order of rungs and trials; all of them under another budget.
  private func affordable(_ rows: [Search.Row]) -> [Search.Row] {
    guard case .samples(let limit) = budget, let rung = rows.first?.rung else { return rows }
    let before = (0..<rung).flatMap { search.rows(ofRung: $0) ?? [] }
    var spent = before.reduce(0) { $0 + search.samples($1.recipe) }
    return Array(
      rows.prefix { row in
        spent += search.samples(row.recipe)
        return spent <= limit
      })
  }

  private func train(_ rows: [Search.Row], by farm: TrialFarm) throws -> Bool {
    // Budgets so small that two rungs of a trial are the same, or two trials, are trained once.
    var taken: Set<String> = []
    let items = rows.filter { taken.insert($0.digest).inserted }.map { row in
      TrialKeeper.Item(
        number: row.trial, trial: row.trial, rung: row.rung, values: row.values, recipe: row.recipe,
        digest: row.digest)
    }
    return try keeper.train(
      items, by: farm, ranksPerTrial: ranksPerTrial,
      mayBegin: { [self] in
        guard case .minutes(let limit) = budget else { return true }
        return MonotonicClock.now() - start < 60 * limit
      },
      didBegin: { [self] _ in observer?.searchDidChange(screen, record: nil) },
      didEnd: { [self] item, record in
        search.add(record.result, of: item.digest)
        observer?.searchDidChange(screen, record: record)
      })
  }

  private func writeResults() throws {
    try keeper.requireLock()
    let folder = keeper.folder
    try folder.write(search.csv, to: folder.table)
    if let best = search.best, best.accuracy != nil {
      try folder.write(best.recipe.json(indented: true) + "\n", to: folder.best)
    }
  }
}
