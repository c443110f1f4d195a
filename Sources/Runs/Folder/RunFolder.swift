internal import Files
internal import Foundation

/// The files of one run; a contract that scripts rely on. Only the root touches them.
package struct RunFolder: Sendable {
  package let path: String
  /// The folders that this process made to have it, outermost first; they go again if no run comes into them.
  package private(set) var created: [String] = []

  package init(path: String) {
    self.path = path.literalPath
  }

  /// Creates a folder that no other run has: `base`, or where that is taken `base-2` and so on.
  ///
  /// - Throws: `RunError` with exit code 73.
  package init(freshNamed base: String) throws(RunError) {
    do throws(FileError) {
      (path, created) = try PendingFile.createFreshFolder(base)
    } catch {
      throw RunError("no run folder: \(error)", exitCode: 73)
    }
  }

  /// The resolved recipe.
  package var recipe: String { path + "/recipe.json" }
  /// The options that hold for the whole run; there only if some were given.
  package var options: String { path + "/options.json" }
  /// One JSON object per line: steps, epochs, events.
  package var metrics: String { path + "/metrics.jsonl" }
  /// The folder of `step-NNNNNN.safetensors`.
  package var checkpoints: String { path + "/checkpoints" }
  /// The model at the end.
  package var final: String { path + "/final.safetensors" }
  /// The figures at the end.
  package var result: String { path + "/result.json" }

  /// What each step came to, at the end.
  package var receipt: String { path + "/receipt.safetensors" }

  /// Whether a run has left its traces here.
  package var isUsed: Bool {
    FileManager.default.fileExists(atPath: metrics) || FileManager.default.fileExists(atPath: checkpoints)
  }

  /// Creates the folder and writes the recipe, and the options of the run if it has any.
  ///
  /// - Throws: `RunError` with exit code 73 or 74 if the folder cannot be written.
  package func prepare(_ recipe: Recipe, options: RunOptions = RunOptions()) throws(RunError) {
    do throws(FileError) {
      try PendingFile.createFolder(checkpoints)
      try writeFile((recipe.json(indented: true) + "\n").utf8, to: self.recipe)
    } catch {
      throw RunError("the run folder \(path) cannot be written: \(error)", exitCode: 73)
    }
    try write(options)
  }

  /// Writes `result.json`.
  ///
  /// - Throws: `RunError` with exit code 73 or 74 if it cannot be written.
  package func write(_ result: RunResult) throws(RunError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let bytes: Data
    do {
      bytes = try encoder.encode(result)
    } catch {
      throw RunError("\(self.result): expected finite figures, found others", exitCode: 70)
    }
    do throws(FileError) {
      try writeFile(bytes, to: self.result)
    } catch {
      throw RunError(error)
    }
  }
}
