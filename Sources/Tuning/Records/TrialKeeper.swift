internal import Files
internal import Foundation
internal import Model
internal import Runs
internal import Training

/// Has trials trained and writes down what they come to: what a search and a study have in common, on the root.
final class TrialKeeper {
  /// A recipe to be trained.
  struct Item {
    /// What it is called while it is trained; no two have the same.
    var number: Int
    var trial: Int
    var rung: Int
    var values: [String: JSONValue]
    var recipe: Recipe
    var digest: String
  }

  let folder: TrialFolder
  /// The ranks of the job.
  let ranks: Int
  private(set) var journal: Journal
  private let lock: FolderLock
  private let writer: JournalWriter
  private let data: TrialData

  /// Goes on with `journal`.
  ///
  /// - Throws: `RunError` with exit code 73 if it cannot be written.
  init(folder: TrialFolder, lock: FolderLock, journal: Journal, data: TrialData, ranks: Int) throws {
    (self.folder, self.lock, self.journal, self.data, self.ranks) = (folder, lock, journal, data, ranks)
    writer = try JournalWriter(path: folder.journal, behind: journal)
    try event(journal.events.isEmpty ? "start" : "resume")
  }

  /// Writes down what happens.
  func event(_ name: String) throws {
    try add(JournalEvent(name, time: Self.now, ranks: ranks), isVital: true)
  }

  private func add(_ event: JournalEvent, isVital: Bool) throws {
    try writer.append(event, isVital: isVital)
    journal.add(event)
  }

  /// Gives up the folder.
  func release() { lock.release() }

  /// Checks that the folder is still this process's.
  ///
  /// - Throws: `RunError` with exit code 73 if another one has taken it over.
  func requireLock() throws(RunError) {
    guard let other = lock.successor else { return }
    throw RunError(
      "\(folder.path) was taken over by process \(other.process) on \(other.host) while this one did not answer: this one "
        + "writes no more", exitCode: 73)
  }

  /// Trains `items` on the farm's ranks, each result on record as soon as it is there. Returns false where a signal asked for
  /// a stop.
  func train(
    _ items: [Item], by farm: TrialFarm, ranksPerTrial: Int?, mayBegin: @escaping () -> Bool,
    didBegin: @escaping (Item) -> Void, didEnd: @escaping (Item, TrialRecord) -> Void
  ) throws -> Bool {
    let byNumber = Dictionary(uniqueKeysWithValues: items.map { ($0.number, $0) })
    let plan = TrialPlan.assignments(items.map(work), ranks: ranks, perTrial: ranksPerTrial)
    let events = TrialFarm.Events(
      mayBegin: mayBegin,
      didBegin: { [self] number, ranks in
        guard let item = byNumber[number] else { return }
        let event = JournalEvent(
          "begin", time: Self.now, ranks: ranks.count, trial: item.trial, rung: item.rung, digest: item.digest
        )
        try add(event, isVital: false)
        didBegin(item)
      },
      didFinish: { [self] number, result, ranks, seconds in
        guard let item = byNumber[number] else { return }
        try requireLock()
        let record = TrialRecord(
          digest: item.digest, trial: item.trial, rung: item.rung, values: item.values,
          recipe: JSONValue(encoding: item.recipe), result: result, ranks: ranks, seconds: seconds,
          time: Self.now)
        try writer.append(record, isVital: true)
        journal.add(record)
        didEnd(item, record)
      })
    return try farm.train(
      items.map { TrialFarm.Job(number: $0.number, recipe: $0.recipe) }, plan: plan, events: events)
  }

  /// What an item costs: multiply-adds of all samples.
  private func work(_ item: Item) -> TrialPlan.Work {
    var (shape, operations) = (data.inputShape, 0)
    for layer in item.recipe.network.layers {
      operations += layer.forwardFLOPs(for: shape)
      shape = layer.outputShape(for: shape) ?? shape
    }
    let plan = data.plan(item.recipe)
    return TrialPlan.Work(
      trial: item.number, cost: Double(plan.samples(item.recipe)) * Double(operations),
      mostRanks: plan.maximumLeafCount)
  }

  private static var now: Double { Date().timeIntervalSince1970 }
}
