internal import Files
internal import Foundation
package import Jobs
internal import Reports
package import Runs

/// A scaling experiment as its files hold it: the setting and all runs so far.
package struct ScalingRecord: Encodable, Sendable {
  /// What the figures were measured with.
  package struct Setting: Encodable, Sendable {
    /// The recipe of all runs; a weak ladder has other global batches.
    package var recipe: Recipe
    /// The user's arguments of `lockstep train`.
    package var arguments: [String]
    /// The hostfile's path, nil for this host.
    package var hostfile: String?
    /// How often each point was to run.
    package var repeats: Int
    /// This host's name.
    package var host: String
    /// Its processor's name.
    package var processor: String
    /// The processors (hyperthreads) that this process may run on.
    package var processors: [Int]
    /// Ranks that have a core here.
    package var cores: Int
    /// What computed matrix products.
    package var products: String
    /// This program's version.
    package var lockstep: String

    /// A setting on this host.
    package init(
      recipe: Recipe, arguments: [String], hostfile: String?, repeats: Int, processors: ProcessorSet,
      products: String, version: String
    ) {
      self.recipe = recipe
      self.arguments = arguments
      self.hostfile = hostfile
      self.repeats = repeats
      host = LocalHost.name
      processor = ProcessorSet.modelName
      self.processors = processors.allowed
      cores = processors.cores
      self.products = products
      lockstep = version
    }
  }

  /// What was measured.
  package var setting: Setting
  /// The runs so far.
  package var points: [ScalingPoint]
  /// Why points are not as fast as their ranks' number, of those where that was asked for.
  package var explanations: [Explained]?

  /// A point and what explains it.
  package struct Explained: Encodable, Sendable {
    /// How the problem grows.
    package var mode: ScalingPoint.Mode
    /// The world size.
    package var ranks: Int
    /// Why it is not as fast as its ranks' number.
    package var explanation: ScalingExplanation
  }

  /// A record of the runs of `ladder`.
  package init(setting: Setting, ladder: ScalingLadder) {
    self.setting = setting
    points = ladder.points
    let explained = ladder.points.compactMap { point in
      ladder.explanation(of: point).map { Explained(mode: point.mode, ranks: point.ranks, explanation: $0) }
    }
    explanations = explained.isEmpty ? nil : explained
  }

  /// The names of the files that `write` makes, the record itself first.
  private static let names = (record: "scaling.json", table: "scaling.csv", plot: "scaling.svg")

  /// Checks that what `write` would replace in a folder is an older record's.
  ///
  /// - Throws: `RunError` with exit code 73.
  package static func requireNoStrangers(in folder: String) throws(RunError) {
    func path(_ name: String) -> String { folder + "/" + name }
    if let data = FileManager.default.contents(atPath: path(names.record)),
      let record = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      record["setting"] != nil, record["points"] != nil
    {
      return
    }
    for name in [names.record, names.table, names.plot]
    where FileManager.default.fileExists(atPath: path(name)) {
      throw RunError(
        "\(path(name)): there is a file that scale did not write, and it is kept: name another folder with --out",
        exitCode: 73)
    }
  }

  /// Writes `scaling.csv`, `scaling.svg` and `scaling.json` into a folder, each all at once.
  ///
  /// - Throws: `FileError` if one cannot be written.
  package func write(to folder: String) throws {
    let ladder = ScalingLadder(points: points)
    let plot = ladder.plot(
      title: "Speed-up of recipe \(setting.recipe.title)",
      subtitle:
        "global batch \(setting.recipe.globalBatch), \(setting.processor), median of \(setting.repeats)")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // First what tells later ones whose files these are.
    try writeFile(encoder.encode(self), to: folder + "/" + Self.names.record)
    try writeFile(ladder.csv.utf8, to: folder + "/" + Self.names.table)
    try writeFile(plot.drawing.file.utf8, to: folder + "/" + Self.names.plot)
  }
}
