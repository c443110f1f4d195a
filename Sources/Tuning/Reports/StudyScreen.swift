internal import Formatting
internal import Foundation
internal import Runs

/// What somebody sees who looks at a study.
package struct StudyScreen: Sendable {
  package let folder: TrialFolder
  package let journal: Journal
  package let status: SearchScreen.Status
  private let settings: StudySettings

  /// Looks at a folder.
  ///
  /// - Throws: `RunError` if there is no study, or its files cannot be read.
  package init(folder: TrialFolder) throws {
    self.folder = folder
    settings = try folder.readSettings(StudySettings.self)
    guard settings.isPlausible else {
      throw RunError(
        "\(folder.settings): expected the settings of a study, found numbers that no study has", exitCode: 65)
    }
    journal = try Journal(path: folder.journal)
    status = journal.status(of: folder)
  }

  /// The runs that are there, a line each, in the order of their ends.
  package var runs: [String] {
    journal.records.filter { settings.subjects.indices.contains($0.trial) }.map { record in
      let seed = record.recipe[["seed"]]?.words ?? "?"
      return StudyFigures.line(
        settings.subjects[record.trial].name, StudyFigures.Run(seed: UInt64(seed) ?? 0, result: record.result)
      )
    }
  }

  /// The screen: at most `columns` characters to a line.
  package func lines(columns: Int) -> [String] {
    let ranks = journal.events.last { $0.event != "begin" }?.ranks ?? 0
    let all = settings.subjects.count * settings.seeds
    let lines =
      [
        folder.path,
        "\(status.rawValue), \(min(journal.records.count, all)) of \(all) runs on \(ranks) \(ranks == 1 ? "rank" : "ranks")",
      ] + runs.suffix(20)
    return lines.map { String($0.prefix(columns)) }
  }

  /// How the study ended, and how to go on if there is more to do.
  package var outcome: String {
    let resume = "go on with: lockstep study --out \(folder.path) --resume"
    return switch status {
    case .running: "running"
    case .finished: "finished: \(folder.summary) says what it found"
    case .stopped, .outOfBudget: "stopped on request; \(resume)"
    case .dead: "dead: no process writes \(folder.path) any more, and it has not come to its end; \(resume)"
    }
  }
}
