import Analysis
import Foundation
import Model
import Reports
import RunReports
import Runs
import Testing

@Suite struct RunReportTests {
  private func report(_ folders: RunFolder...) throws -> RunReport {
    try RunReport(
      folders, office: PostalCase(digits: 5, letters: 100, manualCost: 1, misrouteCost: 2), currency: "EUR"
    ) { _ in
      throw RunError("without a model no dataset is needed", exitCode: 70)
    }
  }

  private func names(_ folders: RunFolder...) throws -> [String] {
    RunReport.names(try folders.map { try RunHistory(folder: $0) })
  }

  // MARK: - Names

  @Test func oneRunIsCalledByItsFolder() throws {
    let runs = try WrittenRuns()
    #expect(try names(runs.run("first")) == ["first"])
  }

  @Test func runsAreCalledByWhatDiffers() throws {
    let runs = try WrittenRuns()
    let (a, b) = (try runs.run("a") { $0.seed = 1 }, try runs.run("b") { ($0.seed, $0.steps) = (7, 5) })
    #expect(try names(a, b) == ["seed 1, steps none", "seed 7, steps 5"])
    // What differs twice is told apart by the folder too, what does not differ by the folder alone.
    let c = try runs.run("c") { $0.seed = 1 }
    #expect(try names(a, c) == ["a", "c"])
    let d = try runs.run("d") { $0.seed = 2 }
    #expect(try names(a, c, d) == ["seed 1 (a)", "seed 1 (c)", "seed 2 (d)"])
  }

  @Test func aNamedRecipeSaysTheRest() throws {
    let runs = try WrittenRuns()
    let (keras, pytorch) = (
      try runs.run("a", recipe: #require(Recipe.named("keras"))),
      try runs.run("b", recipe: #require(Recipe.named("pytorch")))
    )
    #expect(try names(keras, pytorch) == ["keras", "pytorch"])
  }

  /// Muon's second optimizer follows the first: its rate is no news.
  @Test func oneLearningRateIsEnough() throws {
    let runs = try WrittenRuns()
    let folders = try [0.25, 0.5].map { rate in
      let quick = try #require(Recipe.named("quick"))
      var overrides = RecipeOverrides()
      overrides.learningRate = Float(rate)
      return try runs.run("rate-\(rate)", recipe: quick.applying(overrides))
    }
    #expect(try names(folders[0], folders[1]) == ["learningRate 0.25", "learningRate 0.5"])
  }

  @Test func fileNamesAreShortPlainAndDistinct() {
    #expect(RunReport.fileNames(["seed 0", "rate 0.5, seed 7"]) == ["seed-0", "rate-0.5-seed-7"])
    #expect(RunReport.fileNames(["a/b", "a b", "–", "../x"]) == ["a-b", "a-b-2", "run", "..-x"])
    let long = String(repeating: "conv 3x3; ", count: 100)
    let names = RunReport.fileNames([long + "dense 10", long + "dense 20"])
    #expect(Set(names).count == 2 && names.allSatisfy { $0.count < 70 })
  }

  // MARK: - Content

  @Test func aRunWithoutAModelSaysSo() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run", resumed: 4)
    let damaged = folder.checkpoints + "/step-000004.safetensors"
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: damaged))
    let page = try report(folder).page
    #expect(page.title == "Lockstep: run")
    try #require(page.sections.map(\.title) == ["Learning curves", "Time", "To repeat it"])
    #expect(page.sections.map(\.link) == ["Learning curves", "Time", "To repeat it"])
    let notes = page.sections[1].paragraphs
    try #require(notes.count == 3)
    #expect(notes[0].hasPrefix("A checkpoint was passed over: \(damaged)"))
    #expect(notes[1].hasPrefix("This run has no model yet"))
    #expect(page.figures.map(\.value) == ["91.25 %", "8"])
    #expect(page.sections[0].tables.first?.rows == [["1", "0.2500", "92.50", "0.5000", "91.25", "12,345"]])
  }

  /// Steps, then a pause of 100 seconds, then steps again.
  @Test func aRestartIsOnTheTimeAxis() throws {
    let runs = try WrittenRuns()
    let report = try report(runs.run("run", steps: 8, resumed: 4))
    let time = try #require(report.page.sections.first { $0.title == "Time" })
    #expect(
      time.tables.first?.rows == [["start", "0", "0.0", "2"], ["resume", "4", "104.0", "2"]])
    let plot = try #require(report.plots.first { $0.name == "throughput" }).drawing.element
    #expect(plot.contains(">R</text>") && plot.contains(">c</text>") && !plot.contains(">s</text>"))
  }

  @Test func severalRunsAreOverlaidAndHavePlotsOfTheirOwn() throws {
    let runs = try WrittenRuns()
    let report = try report(runs.run("a") { $0.seed = 1 }, runs.run("b") { $0.seed = 7 })
    #expect(report.page.title == "Lockstep: 2 runs" && report.page.figures.isEmpty)
    #expect(
      report.page.sections.map(\.title) == [
        "Runs", "Learning curves", "seed 1: Time", "seed 1: To repeat it", "seed 7: Time",
        "seed 7: To repeat it",
      ])
    #expect(
      report.page.sections.compactMap(\.link) == ["Runs", "Learning curves", "seed 1", "seed 7"])
    #expect(
      report.plots.map(\.name) == [
        "loss", "accuracy", "learning-rate", "throughput", "time-seed-1", "throughput-seed-1", "time-seed-7",
        "throughput-seed-7",
      ])
    let loss = try #require(report.plots.first).drawing.element
    #expect(loss.contains(">seed 1</text>") && loss.contains(">seed 7</text>"))
  }

  @Test func theCommandIsOneThatAShellTakes() {
    #expect(
      RunReport.command(WrittenRuns.launch)
        == #"mpirun -n 2 lockstep train --network 'dense 10' --run 'it'\''s'"#)
  }

  // MARK: - Curves

  @Test func theFirstStepsDoNotFlattenTheRest() {
    #expect(RunReport.accuracyRange([10] + [Double](repeating: 97.5, count: 9)) == 97...100)
    #expect(RunReport.accuracyRange([50, 100]) == 50...100)
    #expect(RunReport.accuracyRange([100, 100]) == nil && RunReport.accuracyRange([]) == nil)
  }

  /// Who computed how much, where there are several ranks.
  @Test func sharesOfTheWorkAreDrawn() throws {
    let runs = try WrittenRuns()
    let recipe = try #require(Recipe.named("mlp"))
    let alone = try report(runs.run("alone", recipe: recipe))
    #expect(!alone.plots.contains { $0.name == "shares" })
    let both = try report(runs.run("both", recipe: recipe, shares: [0.625, 0.375]))
    let plot = try #require(both.plots.first { $0.name == "shares" }).drawing.element
    #expect(
      plot.contains("rank 0") && plot.contains("rank 1") && plot.contains("per cent of the micro-batches"))
  }

  /// The mean of each window's steps, at its end, without the time for checkpoints.
  @Test func throughputIsCountedInWindows() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run", steps: 7, checkpointSeconds: 1) { $0.globalBatch = 10 }
    let history = try RunHistory(folder: folder)
    let points = RunReport.throughput(history, windows: 2)
    // Three steps of two seconds each, one of which is a checkpoint's; the last window has one step.
    #expect(points.map(\.x) == [6, 12, 14] && points.map(\.y) == [10, 10, 10])
    #expect(RunReport.throughput(history).count == 7)
  }

  // MARK: - Files

  @Test func pageAndPlotsAreWritten() throws {
    let runs = try WrittenRuns()
    let report = try report(runs.run("run"))
    let folder = runs.path + "/out/here"
    _ = try report.write(to: folder)
    let page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
    #expect(page == (try report.page.html()))
    for plot in report.plots {
      let text = try String(contentsOfFile: "\(folder)/plots/\(plot.name).svg", encoding: .utf8)
      #expect(text == plot.drawing.file)
    }
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    let runs = try WrittenRuns()
    let report = try report(runs.run("run"))
    let folder = runs.path + "/run/recipe.json"
    let error = #expect(throws: RunError.self) { try report.write(to: folder) }
    #expect(error?.exitCode == 73)
    #expect(error?.description.hasPrefix("\(folder): the report cannot be written: ") == true)
  }
}
