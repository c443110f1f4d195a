internal import Foundation

/// The files of one run; a contract that scripts rely on. Only the root touches them.
public struct RunFolder: Sendable {
  public let path: String

  public init(path: String) {
    self.path = path
  }

  /// The resolved recipe.
  public var recipe: String { path + "/recipe.json" }
  /// One JSON object per line: steps, epochs, events.
  public var metrics: String { path + "/metrics.jsonl" }
  /// The folder of `step-NNNNNN.safetensors`.
  public var checkpoints: String { path + "/checkpoints" }
  /// The model at the end.
  public var final: String { path + "/final.safetensors" }
  /// The figures at the end.
  public var result: String { path + "/result.json" }

  /// Whether a run has left its traces here.
  public var isUsed: Bool {
    FileManager.default.fileExists(atPath: metrics) || FileManager.default.fileExists(atPath: checkpoints)
  }

  /// Creates the folder and writes the recipe.
  package func prepare(_ recipe: Recipe) throws(RunError) {
    do {
      try FileManager.default.createDirectory(atPath: checkpoints, withIntermediateDirectories: true)
      try Data((recipe.json(indented: true) + "\n").utf8)
        .write(to: URL(fileURLWithPath: self.recipe), options: .atomic)
    } catch {
      throw RunError(
        "the run folder \(path) cannot be written: \(error.localizedDescription)", exitCode: 73)
    }
  }
}

extension RunFolder {
  /// Writes `result.json`.
  package func write(_ result: RunResult) throws(RunError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
      try encoder.encode(result).write(to: URL(fileURLWithPath: self.result), options: .atomic)
    } catch {
      throw RunError("\(self.result) cannot be written: \(error.localizedDescription)", exitCode: 73)
    }
  }
}
