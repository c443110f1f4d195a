import Analysis
import Collectives
import Datasets
import Foundation
import Model
import Runs
import TestSupport
import Testing
import Training
import Tuning

/// Studies on threads as ranks.
@Suite struct StudyTests {
  private func settings(seeds: Int, _ change: (inout Recipe) -> Void = { _ in }) throws -> StudySettings {
    var recipe = try #require(Recipe.named("linear"))
    (recipe.validation, recipe.epochs, recipe.globalBatch) = (80, 2, 32)
    var other = recipe
    other.optimizer.learningRate /= 8
    change(&other)
    return StudySettings(
      subjects: [.init(name: "one", recipe: recipe), .init(name: "other", recipe: other)], firstSeed: 3,
      seeds: seeds)
  }

  private func study(_ settings: StudySettings, in path: String, ranks: Int) throws -> StudyFigures {
    let all = try InProcessWorld(size: ranks, stallTimeout: 60).run { world -> StudyFigures? in
      let folder = TrialFolder(path: path, kind: .study)
      let data = try TrialData(
        over: world, keepsTest: true,
        open: { Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 100) },
        notice: { _ in })
      var figures: StudyFigures?
      _ = try TrialFarm(over: world, data: data, stallTimeout: 60).run { farm in
        let run = try StudyRun(
          settings, folder: folder, lock: folder.claim(mayContinue: true), data: data, ranks: ranks,
          ranksPerTrial: nil, observer: nil)
        figures = try run.run(farm)
        return 0
      }
      return figures
    }
    return try #require(all[0])
  }

  /// Each run is that of `train` with its seed, test set included, whoever trained it.
  @Test func everyRunIsThatOfItsSeed() throws {
    let scratch = try Scratch()
    let settings = try settings(seeds: 3)
    let figures = try study(settings, in: scratch("3"), ranks: 3)
    _ = try study(settings, in: scratch("1"), ranks: 1)
    for name in ["study.csv", "summary.json"] {
      #expect(try scratch.read("1/\(name)") == scratch.read("3/\(name)"))
    }
    for (subject, asked) in zip(figures.subjects, settings.subjects) {
      #expect(subject.runs.map(\.seed) == [3, 4, 5])
      for run in subject.runs {
        var recipe = try Recipe.parse(Data(asked.recipe.json.utf8), origin: "the settings")
        recipe.seed = run.seed
        let folder = scratch("\(subject.name)-\(run.seed)")
        _ = try InProcessWorld(size: 2).run { [recipe] world in
          let options = TrainingOptions(folder: RunFolder(path: folder)) {
            Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 100)
          }
          _ = try Trainer(communicator: world, options: options, observer: nil) { _ in recipe }.run()
        }
        let result = try #require(try RunHistory(folder: RunFolder(path: folder)).result)
        #expect(result.testErrors == run.result.test.map { $0.count - $0.correct })
        #expect(result.parametersDigest == run.result.parametersDigest)
      }
    }
  }

  /// What is on record is not trained again, and more seeds are added to it.
  @Test func aStudyGoesOn() throws {
    let scratch = try Scratch()
    _ = try study(settings(seeds: 4), in: scratch("whole"), ranks: 2)
    _ = try study(settings(seeds: 2), in: scratch("study"), ranks: 2)
    let folder = TrialFolder(path: scratch("study"), kind: .study)
    let old = try folder.readSettings(StudySettings.self)
    #expect(throws: RunError.self) { try settings(seeds: 4).resuming(old, extends: false, in: "runs/study") }
    #expect {
      try settings(seeds: 2) { $0.shift = 2 }.resuming(old, extends: true, in: "runs/study")
    } throws: { error in
      (error as? RunError)?.exitCode == 73 && "\(error)".contains("'recipe.shift' was 0 and is 2")
    }
    _ = try study(
      settings(seeds: 4).resuming(old, extends: true, in: "runs/study"), in: scratch("study"), ranks: 3)
    let records = try Journal(path: folder.journal).records
    #expect(records.count == 8 && Set(records.map(\.digest)).count == 8)
    #expect(try scratch.read("study/study.csv") == scratch.read("whole/study.csv"))
  }

  /// A run that diverged is counted, and in no mean and no pair.
  @Test func runsThatDivergeAreLeftOut() throws {
    let scratch = try Scratch()
    let figures = try study(
      settings(seeds: 2) {
        $0.optimizer = .sgd(.init())
        $0.optimizer.learningRate = 1e30
      }, in: scratch("study"), ranks: 2)
    #expect(figures.subjects.map(\.diverged) == [0, 2])
    #expect(figures.subjects[1].test == nil && figures.comparison == nil)
    #expect(figures.lines.contains { $0.contains("2 of 2 runs of other diverged") })
  }

  @Test func aRecipeComparedWithItselfIsAsGood() throws {
    let scratch = try Scratch()
    let figures = try study(
      settings(seeds: 2) { $0.optimizer.learningRate *= 8 }, in: scratch("study"), ranks: 2)
    let comparison = try #require(figures.comparison)
    #expect(comparison.test.signFlipProbability == 1 && comparison.test.tProbability == nil)
    #expect(comparison.sentence.contains("as good as each other"))
    #expect(try Journal(path: scratch("study/study.jsonl")).records.count == 2)
  }
}
