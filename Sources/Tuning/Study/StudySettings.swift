internal import Foundation
package import Runs

/// What a study was asked for: recipes, each trained from as many seeds.
package struct StudySettings: Hashable, Sendable, Codable {
  /// A recipe, and what it is called.
  package struct Subject: Hashable, Sendable, Codable {
    package var name: String
    package var recipe: JSONValue

    /// The seed is the study's business: the recipe's own is left out of it.
    package init(name: String, recipe: Recipe) {
      self.name = name
      var recipe = recipe
      recipe.seed = 0
      self.recipe = JSONValue(encoding: recipe)
    }
  }

  package var subjects: [Subject]
  package var firstSeed: UInt64
  package var seeds: Int
  /// What is trained on.
  package var place = Place()

  package init(subjects: [Subject], firstSeed: UInt64, seeds: Int) {
    (self.subjects, self.firstSeed, self.seeds) = (subjects, firstSeed, seeds)
  }

  package static let mostSeeds = 10_000

  /// Whether what is computed with these is far from overflow.
  var isPlausible: Bool {
    (1...2).contains(subjects.count) && (1...Self.mostSeeds).contains(seeds)
      && firstSeed <= UInt64.max - UInt64(Self.mostSeeds)
  }

  /// These settings, as what goes on with `old` in a folder; `extends` allows more seeds.
  ///
  /// - Throws: `RunError` with exit code 73 naming what differs.
  package func resuming(_ old: StudySettings, extends: Bool, in folder: String) throws(RunError)
    -> StudySettings
  {
    var differences: [String] = []
    if subjects.count != old.subjects.count {
      differences.append("it had \(old.subjects.count) recipes and is to have \(subjects.count)")
    }
    for (old, new) in zip(old.subjects, subjects) {
      differences += SearchRequest.differences(
        from: .object(["recipe": old.recipe]), to: .object(["recipe": new.recipe]))
    }
    if firstSeed != old.firstSeed {
      differences.append("--first-seed was \(old.firstSeed) and is \(firstSeed)")
    }
    if seeds != old.seeds, !(extends && seeds > old.seeds) {
      differences.append("--seeds was \(old.seeds) and is \(seeds)")
    }
    guard differences.isEmpty else {
      throw RunError(
        "\(folder) holds another study than is asked for: \(differences.joined(separator: "; ")): --extend takes more --seeds, "
          + "another --out starts a new one", exitCode: 73)
    }
    var settings = old
    settings.seeds = seeds
    return settings
  }
}
