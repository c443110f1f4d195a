internal import Formatting
internal import Reports
internal import Runs

extension RunReport {
  /// What was trained on what, in one line.
  static func description(_ history: RunHistory) -> String {
    let recipe = history.recipe
    var parts = [
      "recipe \(recipe.title)", "\(recipe.network)", "global batch \(recipe.globalBatch)",
      "seed \(recipe.seed)",
    ]
    if let launch = history.launch { parts.insert(launch.dataset, at: 0) }
    return parts.joined(separator: " · ")
  }

  /// The most important figures of a run.
  static func figures(_ history: RunHistory) -> [(value: String, name: String)] {
    var figures: [(value: String, name: String)] = []
    if let result = history.result {
      figures.append((percent(result.testAccuracy), "test accuracy, \(result.testErrors) errors"))
      if let accuracy = result.validationAccuracy {
        figures.append((percent(accuracy), "validation accuracy"))
      }
      figures.append((Numbers.duration(result.trainingSeconds), "training"))
      figures.append((Numbers.grouped(result.imagesPerSecond), "images per second"))
      figures.append(("\(result.ranks)", result.ranks == 1 ? "rank" : "ranks"))
    } else if let last = history.epochs.last {
      if let accuracy = last.validationAccuracy {
        figures.append((percent(accuracy), "validation accuracy after epoch \(last.epoch)"))
      }
      figures.append((Numbers.grouped(history.steps.last?.step ?? 0), "steps so far"))
    }
    return figures
  }

  /// Several runs, a row each.
  static func comparison(_ runs: [ReportedRun]) -> ReportPage.Section {
    var section = ReportPage.Section("Runs", link: "Runs")
    section.tables = [
      ReportPage.Table(
        [
          "run", "folder", "test accuracy", "errors", "validation", "epochs", "steps", "ranks", "images/s",
          "training",
        ],
        runs.map { run in
          let result = run.history.result
          return [
            run.name, run.history.folder.path, result.map { percent($0.testAccuracy) } ?? "–",
            result.map { "\($0.testErrors)" } ?? "–",
            run.history.epochs.last?.validationAccuracy.map(percent) ?? "–",
            "\(run.history.epochs.count)", Numbers.grouped(run.history.steps.last?.step ?? 0),
            run.history.events.last.map { "\($0.ranks)" } ?? "–",
            result.map { Numbers.grouped($0.imagesPerSecond) } ?? "–",
            result.map { Numbers.duration($0.trainingSeconds) } ?? "–",
          ]
        })
    ]
    return section
  }

  /// `value` is in per cent already.
  private static func percent(_ value: Double) -> String { Numbers.fixed(value, 2) + " %" }
}
