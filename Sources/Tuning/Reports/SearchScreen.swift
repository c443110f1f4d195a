internal import Files
internal import Formatting
internal import Foundation
internal import Reports
internal import Runs
internal import Training

/// What somebody sees who looks at a search: how far it is, what is under way, and the best so far.
package struct SearchScreen: Sendable {
  /// How far a search is.
  package enum Status: String, Sendable {
    case running
    case finished
    /// By a signal.
    case stopped
    /// Its budget is used up.
    case outOfBudget = "out of budget"
    /// No process writes it any more, and it has not come to an end.
    case dead = "no process"
  }

  package let folder: TrialFolder
  package let settings: SearchSettings
  package let journal: Journal
  package let status: Status

  package init(folder: TrialFolder, settings: SearchSettings, journal: Journal, status: Status) {
    (self.folder, self.settings, self.journal, self.status) = (folder, settings, journal, status)
  }

  /// Looks at a folder.
  ///
  /// - Throws: `RunError` if there is no search, or its files cannot be read.
  package init(folder: TrialFolder) throws {
    let settings = try folder.readSettings(SearchSettings.self)
    guard settings.isPlausible else {
      throw RunError(
        "\(folder.settings): expected the settings of a search, found numbers that no search has",
        exitCode: 65)
    }
    let journal = try Journal(path: folder.journal)
    self.init(folder: folder, settings: settings, journal: journal, status: journal.status(of: folder))
  }

  private var halving: SuccessiveHalving { SuccessiveHalving(eta: settings.eta, rungs: settings.rungs) }

  /// Records from the best to the worst, as the search ranks its rows.
  package var ranked: [TrialRecord] { Self.ranked(journal.records) }

  static func ranked(_ records: [TrialRecord]) -> [TrialRecord] {
    records.sorted {
      let (a, b) = ($0.result.validation?.accuracy ?? -1, $1.result.validation?.accuracy ?? -1)
      return a != b ? a > b : ($0.trial, $0.rung) < ($1.trial, $1.rung)
    }
  }

  /// A record in one line.
  package static func line(_ record: TrialRecord) -> String {
    let score =
      record.result.validation.map {
        "validation \(Numbers.fixed($0.accuracy, 2)) %  loss \(Numbers.fixed($0.loss, 4))"
      }
      ?? "diverged after step \(Numbers.grouped(record.result.divergence?.step ?? 0))"
    let place = record.ranks.count == 1 ? "rank \(record.ranks[0])" : "\(record.ranks.count) ranks"
    return
      "rung \(record.rung)  trial \(record.trial)  \(score)  \(Numbers.duration(record.seconds)) on \(place)  "
      + words(record.values)
  }

  static func words(_ values: [String: JSONValue]) -> String {
    values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.words)" }.joined(separator: ", ")
  }

  /// The screen: at most `columns` characters to a line.
  package func lines(columns: Int, best count: Int = 10) -> [String] {
    let ranks = journal.events.last { $0.event != "begin" }?.ranks ?? 0
    var lines = [
      folder.path,
      "\(status.rawValue), \(settings.actualTrials) trials on \(ranks) \(ranks == 1 ? "rank" : "ranks")",
    ]
    let trained = Dictionary(grouping: journal.records, by: \.rung)
    for rung in 0..<settings.rungs {
      let (done, all) = (
        trained[rung]?.count ?? 0, halving.count(ofRung: rung, trials: settings.actualTrials)
      )
      let divisor = halving.divisor(ofRung: rung)
      let budget = divisor == 1 ? "the whole budget" : "1/\(divisor) of the budget"
      let best = Self.ranked(trained[rung] ?? []).first?.result.validation
      lines.append(
        "rung \(rung): \(done) of \(max(all, done)) with \(budget)"
          + (best.map { ", best \(Numbers.fixed($0.accuracy, 2)) %" } ?? ""))
    }
    let diverged = journal.records.count { $0.result.divergence != nil }
    if diverged > 0 { lines.append("\(diverged) diverged") }
    if status == .running, !journal.running.isEmpty {
      let names = journal.running.map { "\($0.trial ?? 0)" + ($0.ranks > 1 ? " (\($0.ranks) ranks)" : "") }
      lines.append("under way: trial \(names.joined(separator: ", "))")
    }
    lines += table(count: count)
    return lines.map { String($0.prefix(columns)) }
  }

  /// The best rows as a table.
  package func table(count: Int) -> [String] {
    let rows = ranked.prefix(count).filter { $0.result.validation != nil }
    guard !rows.isEmpty else { return [] }
    var table = TextTable([
      ("trial", .right), ("rung", .right), ("validation %", .right), ("loss", .right), ("steps", .right),
      ("parameters", .left),
    ])
    for row in rows {
      table.append([
        "\(row.trial)", "\(row.rung)", Numbers.fixed(row.result.validation?.accuracy ?? 0, 2),
        Numbers.fixed(row.result.validation?.loss ?? 0, 4), Numbers.grouped(row.result.steps),
        Self.words(row.values),
      ])
    }
    return table.text.split(separator: "\n").map(String.init)
  }

  /// How the search ended, and how to go on if there is more to do.
  package var outcome: String {
    let resume = "go on with: lockstep tune --out \(folder.path) --resume"
    switch status {
    case .running: return "running"
    case .finished:
      guard let best = ranked.first, let score = best.result.validation else {
        return "finished: every trial diverged, so there is no best recipe"
      }
      return
        "best: trial \(best.trial), validation accuracy \(Numbers.fixed(score.accuracy, 2)) % "
        + "(\(score.correct) of \(score.count)); train it with: lockstep train --recipe \(folder.best)"
    case .stopped: return "stopped on request, \(journal.records.count) rows on record; \(resume)"
    case .outOfBudget:
      return "the budget is used up, \(journal.records.count) rows on record; \(resume) and a larger --budget"
    case .dead:
      return "dead: no process writes \(folder.path) any more, and it has not come to its end; \(resume)"
    }
  }
}

extension Journal {
  /// How far the search or the study is whose journal this is.
  func status(of folder: TrialFolder) -> SearchScreen.Status {
    switch events.last(where: { $0.event != "begin" })?.event {
    case "end": .finished
    case "stop": .stopped
    case "budget": .outOfBudget
    default: FolderLock.holder(of: folder.path) == nil ? .dead : .running
    }
  }
}
