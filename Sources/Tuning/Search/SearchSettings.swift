internal import Foundation
package import Runs

/// What a search was asked for; with the dataset it decides all that a search comes to.
package struct SearchSettings: Hashable, Sendable, Codable {
  /// A space, and how trials are drawn from it.
  package struct Source: Hashable, Sendable, Codable {
    package var space: JSONValue
    package var sampler: Sampler
    package var seed: UInt64
    /// How many trials there are when these have been drawn, those of the sources before included.
    package var trials: Int

    package init(space: JSONValue, sampler: Sampler, seed: UInt64, trials: Int) {
      (self.space, self.sampler, self.seed, self.trials) = (space, sampler, seed, trials)
    }
  }

  /// The first one, and each that extended the search.
  package var sources: [Source]
  package var eta: Int
  package var rungs: Int
  /// What is trained on.
  package var place = Place()
  /// The trials that the spaces have given, which may have fewer than were asked for; nil before they are drawn.
  package var drawn: Int?

  package init(_ source: Source, eta: Int, rungs: Int) {
    (sources, self.eta, self.rungs) = ([source], eta, rungs)
  }

  /// All trials of the search.
  package var trials: Int { sources.last?.trials ?? 0 }
  /// Those that there are, as far as is known.
  package var actualTrials: Int { drawn ?? trials }

  /// Whether what is computed with these is far from overflow.
  var isPlausible: Bool {
    let counts = sources.map(\.trials)
    return !sources.isEmpty && counts.allSatisfy { (1...Self.mostTrials).contains($0) }
      && counts == counts.sorted()
      && (0...Self.mostTrials).contains(actualTrials) && (2...Self.greatestEta).contains(eta)
      && (1...Self.mostRungs).contains(rungs)
  }

  /// More than anybody can wait for.
  package static let mostTrials = 10_000
  package static let greatestEta = 64
  package static let mostRungs = 8
}

/// What a command asks of a search; nil leaves what it has, or the default.
package struct SearchRequest: Sendable {
  package var space: JSONValue?
  package var trials: Int?
  package var sampler: Sampler?
  package var seed: UInt64?
  package var eta: Int?
  package var rungs: Int?

  package init() {}

  /// Trials that a new search has where nobody says how many, and their sampler.
  package static let defaultTrials = 27
  package static let defaultSampler = Sampler.sobol
  package static let defaultEta = 3

  /// The settings of a new search.
  ///
  /// - Throws: `RunError` with exit code 64 without a space.
  package func settings() throws(RunError) -> SearchSettings {
    guard let space else {
      throw RunError(
        "a new search needs a space: a file, or --space \(SearchSpace.names.joined(separator: ", "))",
        exitCode: 64)
    }
    let (trials, eta) = (trials ?? Self.defaultTrials, eta ?? Self.defaultEta)
    return SearchSettings(
      SearchSettings.Source(
        space: space, sampler: sampler ?? Self.defaultSampler, seed: seed ?? 0, trials: trials), eta: eta,
      rungs: rungs ?? SuccessiveHalving.rungs(trials: trials, eta: eta))
  }

  /// The settings of a search that goes on with what it has.
  ///
  /// - Throws: `RunError` with exit code 73 naming what differs.
  package func resuming(_ old: SearchSettings, in folder: String) throws(RunError) -> SearchSettings {
    guard let last = old.sources.last else { return old }
    var differences: [String] = []
    func compare(_ option: String, _ given: String?, _ found: String) {
      if let given, given != found { differences.append("\(option) was \(found) and is \(given)") }
    }
    compare("--trials", trials.map { "\($0)" }, "\(last.trials)")
    compare("--sampler", sampler?.rawValue, last.sampler.rawValue)
    compare("--seed", seed.map { "\($0)" }, "\(last.seed)")
    compare("--eta", eta.map { "\($0)" }, "\(old.eta)")
    compare("--rungs", rungs.map { "\($0)" }, "\(old.rungs)")
    if let space { differences += Self.differences(from: last.space, to: space) }
    guard differences.isEmpty else {
      throw RunError(
        "\(folder) holds another search than is asked for: \(differences.joined(separator: "; ")): --extend adds trials to "
          + "it, another --out starts a new one", exitCode: 73)
    }
    return old
  }

  /// The settings of a search that gets more trials, of another space where one is given.
  ///
  /// - Throws: `RunError` with exit code 64 where that would leave it as it is, or where its rungs would be others.
  package func extending(_ old: SearchSettings, in folder: String) throws(RunError) -> SearchSettings {
    guard let last = old.sources.last else { return old }
    for (option, given, found) in [("--eta", eta, old.eta), ("--rungs", rungs, old.rungs)] {
      guard let given, given != found else { continue }
      throw RunError(
        "--extend: \(folder) has \(option) \(found), found \(given): its rungs stay, or its trials could not be compared",
        exitCode: 64)
    }
    let first = old.sources.dropLast().last?.trials ?? 0
    let source = SearchSettings.Source(
      space: space ?? last.space, sampler: sampler ?? last.sampler, seed: seed ?? last.seed,
      trials: trials ?? min(2 * last.trials - first, SearchSettings.mostTrials))
    var settings = old
    // What a search that was broken off is to be extended to, it may have been told before.
    if source == last { return old }
    guard source.trials > last.trials else {
      throw RunError(
        "--extend: \(folder) has \(last.trials) trials in all, found --trials \(source.trials): expected more",
        exitCode: 64)
    }
    settings.sources.append(source)
    return settings
  }

  /// Where two spaces differ, in words.
  static func differences(from old: JSONValue, to new: JSONValue) -> [String] {
    func members(_ value: JSONValue, _ prefix: String) -> [String: JSONValue] {
      guard case .object(let members) = value else { return [prefix: value] }
      var all: [String: JSONValue] = [:]
      for (key, value) in members {
        if key == "parameters" || key == "recipe", case .object(let inner) = value {
          for (name, value) in inner { all[key == "recipe" ? "recipe.\(name)" : name] = value }
        } else {
          all[key] = value
        }
      }
      return all
    }
    let (before, after) = (members(old, "space"), members(new, "space"))
    return Set(before.keys).union(after.keys).sorted().compactMap { key in
      switch (before[key], after[key]) {
      case (let old?, let new?): old == new ? nil : "'\(key)' was \(old.json) and is \(new.json)"
      case (let old?, nil): "'\(key)' was \(old.json) and is gone"
      case (nil, let new?): "'\(key)' is new, \(new.json)"
      case (nil, nil): nil
      }
    }
  }
}
