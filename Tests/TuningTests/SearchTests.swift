import Collectives
import Datasets
import Files
import Foundation
import Model
import Runs
import TestSupport
import Testing
import Training
import Tuning

/// Searches on threads as ranks.
@Suite struct SearchTests {
  private static let space = """
    {"recipe": {"name": "linear", "validation": 80, "epochs": 3, "microBatch": 8}, "parameters": {
      "globalBatch": {"choices": [32, 64]}, "optimizer.learningRate": {"log": [0.0003, 0.3]},
      "labelSmoothing": {"range": [0, 0.2]}, "averaging": {"choices": [null, 0.9]}, "patience": {"choices": [null, 1]},
      "network": {"choices": ["linear", "dense 8; relu; dense 10"]}}}
    """

  private func settings(
    _ space: String = SearchTests.space, trials: Int = 9, sampler: Sampler = .random, rungs: Int = 3
  ) throws -> SearchSettings {
    let document = try SearchSpace.parse(Data(space.utf8), origin: "space").document
    return SearchSettings(
      SearchSettings.Source(space: document, sampler: sampler, seed: 1, trials: trials), eta: 3, rungs: rungs)
  }

  /// Searches in a folder, or goes on there.
  @discardableResult
  private func search(
    _ settings: SearchSettings, in path: String, ranks: Int, perTrial: Int? = nil,
    budget: SearchBudget? = nil,
    ranksPerNode: Int = 2
  ) throws -> SearchScreen {
    let codes = try InProcessWorld(size: ranks, ranksPerNode: ranksPerNode, stallTimeout: 60).run {
      world -> Int32 in
      let folder = TrialFolder(path: path, kind: .search)
      let data = try TrialData(
        over: world, keepsTest: false,
        open: { Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20) },
        notice: { _ in })
      let farm = TrialFarm(over: world, data: data, stallTimeout: 60)
      return try farm.run { farm in
        let run = try SearchRun(
          settings, folder: folder, lock: folder.claim(mayContinue: true), data: data, ranks: ranks,
          ranksPerTrial: perTrial, budget: budget, observer: nil)
        _ = try run.run(farm)
        return 7
      }
    }
    #expect(codes == Array(repeating: 7, count: ranks))
    return try SearchScreen(folder: TrialFolder(path: path, kind: .search))
  }

  @Test func theTableIsTheSameAtAnyNumberOfRanksAndGroups() throws {
    let scratch = try Scratch()
    let settings = try settings()
    let alone = try search(settings, in: scratch("alone"), ranks: 1)
    #expect(alone.status == .finished)
    let (table, best) = (try scratch.read("alone/table.csv"), try scratch.read("alone/best.json"))
    #expect(String(decoding: table, as: UTF8.self).split(separator: "\n").count == 1 + 9 + 3 + 1)
    var sizes: Set<Int> = []
    for (ranks, perTrial) in [(2, nil), (3, 2), (5, nil)] as [(Int, Int?)] {
      let name = "\(ranks)-\(perTrial ?? 0)"
      let screen = try search(settings, in: scratch(name), ranks: ranks, perTrial: perTrial)
      #expect(try scratch.read(name + "/table.csv") == table, "\(name)")
      #expect(try scratch.read(name + "/best.json") == best, "\(name)")
      sizes.formUnion(screen.journal.records.map(\.ranks.count))
      // The only trial of the last rung gets all ranks that have work in it: four micro-batches.
      let last = try #require(screen.journal.records.first { $0.rung == 2 })
      #expect(last.ranks.count == min(ranks, 4), "\(name)")
    }
    #expect(sizes == [1, 2, 3, 4])
  }

  /// Whatever a killed job had written, going on ends in the same table, and trains nothing that was on record.
  @Test func aSearchThatWasKilledAnywhereGoesOn() throws {
    let scratch = try Scratch()
    let settings = try settings(trials: 6, rungs: 2)
    try search(settings, in: scratch("whole"), ranks: 2)
    let table = try scratch.read("whole/table.csv")
    let journal = try scratch.read("whole/search.jsonl")
    let lines = journal.indices.filter { journal[$0] == UInt8(ascii: "\n") }
    for end in [0] + lines.flatMap({ [$0 - 5, $0, $0 + 1] }) {
      try scratch.write("killed/search.json", scratch.read("whole/search.json"))
      try scratch.write("killed/search.jsonl", Array(journal[..<end]))
      let before = try Journal(path: scratch("killed/search.jsonl")).records
      let screen = try search(settings, in: scratch("killed"), ranks: 3)
      #expect(try scratch.read("killed/table.csv") == table, "after \(end) bytes")
      let records = screen.journal.records
      #expect(Array(records.prefix(before.count)) == before)
      #expect(records.count == 8 && Set(records.map(\.digest)).count == 8, "after \(end) bytes")
      try FileManager.default.removeItem(atPath: scratch("killed"))
    }
  }

  /// A run that trains a row's recipe comes to what the table says, whatever decides which weights are its model.
  @Test func aRowIsWhatARunOfItsRecipeComesTo() throws {
    let scratch = try Scratch()
    // The ends of epochs are where patience and averages count.
    let rows = try search(try settings(trials: 6, rungs: 1), in: scratch("search"), ranks: 2).journal.records
    #expect(
      Set(rows.map { $0.values["patience"] }).count == 2
        && Set(rows.map { $0.values["averaging"] }).count == 2)
    for record in rows {
      let recipe = try Recipe.parse(Data(record.recipe.json.utf8), origin: "the journal")
      let folder = scratch("run-\(record.digest)")
      _ = try InProcessWorld(size: 2).run { world in
        let options = TrainingOptions(folder: RunFolder(path: folder)) {
          Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
        }
        _ = try Trainer(communicator: world, options: options, observer: nil) { _ in recipe }.run()
      }
      let result = try #require(try RunHistory(folder: RunFolder(path: folder)).result)
      #expect(result.validationAccuracy == record.result.validation?.accuracy)
      #expect(result.parametersDigest == record.result.parametersDigest)
      #expect(result.steps == record.result.steps)
    }
  }

  /// What diverges is the last of all, goes nowhere, and ends nothing.
  @Test func aTrialThatDivergesIsRecorded() throws {
    let scratch = try Scratch()
    let space = """
      {"recipe": {"name": "linear", "validation": 80, "optimizer": {"name": "sgd"}, "schedule": {"name": "constant"}},
       "parameters": {"optimizer.learningRate": {"choices": [1e30, 0.01, 1e20, 0.02]}}}
      """
    let settings = try settings(space, trials: 4, rungs: 2)
    for ranks in [1, 3] {
      let screen = try search(settings, in: scratch("\(ranks)"), ranks: ranks)
      #expect(screen.status == .finished)
      let lost = screen.journal.records.filter { $0.result.divergence != nil }
      #expect(lost.count == 2 && lost.allSatisfy { $0.rung == 0 && $0.result.steps < 10 })
      #expect(lost.allSatisfy { $0.result.divergence?.sentence.contains("training diverged") == true })
      #expect(screen.ranked.suffix(2).allSatisfy { $0.result.divergence != nil })
      #expect(try scratch.read("\(ranks)/table.csv") == scratch.read("1/table.csv"))
    }
    // Where nothing is left, that is said, and no recipe is called the best.
    let hopeless = try self.settings(
      space.replacingOccurrences(of: "[1e30, 0.01, 1e20, 0.02]", with: "[1e30, 1e20]"), trials: 2, rungs: 2)
    let screen = try search(hopeless, in: scratch("hopeless"), ranks: 2)
    #expect(screen.status == .finished && screen.outcome.contains("every trial diverged"))
    #expect(!FileManager.default.fileExists(atPath: scratch("hopeless/best.json")))
  }

  /// Points whose values have been drawn before are passed over.
  @Test func noTwoTrialsAreTheSame() throws {
    let scratch = try Scratch()
    let space =
      "{\"recipe\": {\"name\": \"linear\", \"validation\": 80, \"epochs\": 1}, \"parameters\": {\"globalBatch\": {\"choices\": [32, 64, 128]}}}"
    let screen = try search(try settings(space, trials: 20, rungs: 1), in: scratch("small"), ranks: 2)
    #expect(Set(screen.journal.records.map { $0.values["globalBatch"]?.words }) == ["32", "64", "128"])
    #expect(screen.journal.records.count == 3 && screen.status == .finished)
  }

  /// A budget in samples ends at the same trial at any number of ranks, and a larger one goes on from there.
  @Test func aBudgetInSamplesIsTheSameAnywhere() throws {
    let scratch = try Scratch()
    let settings = try settings()
    for ranks in [1, 3] {
      let screen = try search(settings, in: scratch("\(ranks)"), ranks: ranks, budget: .samples(700))
      #expect(
        screen.status == .outOfBudget && screen.journal.records.map(\.trial).sorted() == [0, 1, 2, 3, 4, 5])
    }
    #expect(try scratch.read("1/table.csv") == scratch.read("3/table.csv"))
    #expect(try search(settings, in: scratch("1"), ranks: 2, budget: .samples(1_000_000)).status == .finished)
    try search(settings, in: scratch("whole"), ranks: 2)
    #expect(try scratch.read("1/table.csv") == scratch.read("whole/table.csv"))
    // Recipes that nobody can wait for overflow nothing.
    let endless = """
      {"recipe": {"name": "linear", "validation": 80, "steps": 1000000000000000, "globalBatch": 320},
       "parameters": {"seed": {"range": [0, 9007199254740992]}}}
      """
    let screen = try search(
      try self.settings(endless), in: scratch("endless"), ranks: 2, budget: .samples(.max >> 20))
    #expect(screen.status == .outOfBudget && screen.journal.records.isEmpty)
    let none = try search(settings, in: scratch("none"), ranks: 2, budget: .minutes(1e-9))
    #expect(none.status == .outOfBudget && none.journal.records.isEmpty)
  }

  /// More trials of the same space are the search that would have been, and what was trained is not trained again.
  @Test func aSearchIsExtended() throws {
    let scratch = try Scratch()
    let first = try settings(trials: 4, rungs: 2)
    try search(first, in: scratch("search"), ranks: 2)
    var request = SearchRequest()
    request.trials = 9
    let extended = try request.extending(try stored(scratch("search")), in: "the folder")
    let screen = try search(extended, in: scratch("search"), ranks: 3)
    #expect(Set(screen.journal.records.map(\.digest)).count == screen.journal.records.count)
    let whole = try search(try settings(trials: 9, rungs: 2), in: scratch("whole"), ranks: 2)
    let digests = Set(whole.journal.records.map(\.digest))
    #expect(digests.isSubset(of: screen.journal.records.map(\.digest)))
    #expect(screen.ranked.first?.digest == whole.ranked.first?.digest)

    // Another space draws the trials that are added.
    request.trials = 12
    request.space = try SearchSpace.parse(
      Data(Self.space.replacingOccurrences(of: "[32, 64]", with: "[16]").utf8), origin: "space"
    ).document
    let wider = try request.extending(try stored(scratch("search")), in: "the folder")
    let last = try search(wider, in: scratch("search"), ranks: 2)
    for record in last.journal.records {
      #expect((record.values["globalBatch"] == .whole(16)) == (record.trial >= 9))
    }
    // Said twice it is the same.
    #expect(try request.extending(try stored(scratch("search")), in: "the folder").sources == wider.sources)
  }

  private func stored(_ path: String) throws -> SearchSettings {
    try SearchScreen(folder: TrialFolder(path: path, kind: .search)).settings
  }

  @Test func whatIsResumedMustBeTheSame() throws {
    let old = try settings()
    func refusal(_ change: (inout SearchRequest) throws -> Void) throws -> RunError? {
      var request = SearchRequest()
      try change(&request)
      do throws(RunError) {
        _ = try request.resuming(old, in: "runs/search")
        return nil
      } catch {
        return error
      }
    }
    #expect(try refusal { _ in } == nil)
    #expect(try refusal { ($0.trials, $0.seed, $0.eta) = (9, 1, 3) } == nil)
    let changed = try refusal {
      $0.space = try SearchSpace.parse(
        Data(Self.space.replacingOccurrences(of: "0.2]", with: "0.3]").utf8), origin: "space"
      ).document
      $0.trials = 12
    }
    #expect(changed?.exitCode == 73)
    for words in [
      "--trials was 9 and is 12", "'labelSmoothing' was {\"range\":[0,0.2]} and is {\"range\":[0,0.3]}",
      "--extend",
    ] {
      #expect(changed?.description.contains(words) == true, "\(String(describing: changed))")
    }
    var request = SearchRequest()
    request.rungs = 2
    #expect(throws: RunError.self) { try request.extending(old, in: "runs/search") }
    request.rungs = nil
    request.trials = 9
    request.seed = 5
    #expect(throws: RunError.self) { try request.extending(old, in: "runs/search") }
  }

  /// Another dataset would make a table whose rows cannot be compared.
  @Test func anotherDatasetIsRefused() throws {
    let scratch = try Scratch()
    var settings = try settings()
    try search(settings, in: scratch("search"), ranks: 1)
    settings = try stored(scratch("search"))
    settings.place.datasetDigest = String(repeating: "0", count: 64)
    #expect { try search(settings, in: scratch("search"), ranks: 2) } throws: { error in
      (error as? RunError)?.exitCode == 73 && "\(error)".contains("dataset")
    }
  }

  /// Values that do not go together, or not with the dataset, are named before anything is trained.
  @Test func trialsThatCannotBeTrainedAreNamed() throws {
    let scratch = try Scratch()
    let space =
      "{\"recipe\": {\"name\": \"linear\", \"validation\": 80}, \"parameters\": {\"globalBatch\": {\"choices\": [512]}}}"
    #expect { try search(try settings(space), in: scratch("search"), ranks: 3) } throws: { error in
      (error as? RunError)?.exitCode == 65
        && "\(error)".contains("trial 0 (globalBatch 512) cannot be trained")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch("search/search.jsonl")))
  }
}
