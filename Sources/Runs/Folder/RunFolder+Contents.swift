internal import Files
internal import Foundation

extension RunFolder {
  /// Those of a run's files that lie here, whoever made them.
  package var holdings: [String] {
    [recipe, options, metrics, checkpoints, final, receipt, result].filter {
      FileManager.default.fileExists(atPath: $0)
    }
    .map { String($0.dropFirst(path.count + 1)) }
  }

  /// Whether a process has the folder, and has not come to write its first records.
  package var isBeginning: Bool {
    let isRun = isUsed && FileManager.default.fileExists(atPath: recipe)
    return !isRun && FolderLock.holder(of: path) != nil
  }

  /// Checks that a run can begin here and overwrite nothing.
  ///
  /// - Throws: `RunError` with exit code 73.
  package func requireFree() throws(RunError) {
    try requireNoStrangers()
    guard isUsed else { return }
    throw RunError(
      "\(path) already holds a run: go on with it by --resume, or name another folder with --run",
      exitCode: 73)
  }

  /// Checks that what lies here under the names of a run's files is a run's, or nothing.
  ///
  /// - Throws: `RunError` with exit code 73.
  package func requireNoStrangers() throws(RunError) {
    let holdings = holdings
    guard !isUsed, !holdings.isEmpty else { return }
    throw RunError(
      "\(path) is not a run's folder and holds \(holdings.joined(separator: ", ")), which a run would overwrite: name "
        + "another folder with --run", exitCode: 73)
  }

  /// Checks that the run here, if any, has this recipe: what it has written stays right when it goes on from a
  /// checkpoint that is not its newest.
  ///
  /// - Throws: `RunError` with exit code 73.
  package func requireSameRecipe(_ recipe: Recipe, from checkpoint: String) throws(RunError) {
    guard let data = FileManager.default.contents(atPath: self.recipe) else { return }
    let own = try? Recipe.parse(data, origin: self.recipe)
    guard own?.json() != recipe.json() else { return }
    throw RunError(
      "\(path) holds a run of another recipe than this one has, which goes on from \(checkpoint): name another "
        + "folder with --run", exitCode: 73)
  }

  /// Whether a file is one of this run's: a checkpoint, or the model at its end.
  package func owns(_ file: String) -> Bool {
    func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    let parent = real(URL(fileURLWithPath: file).deletingLastPathComponent().path)
    return parent == real(checkpoints) || parent == real(path)
  }

  /// Whether a path is one that the run itself writes to.
  package func reserves(_ file: String) -> Bool {
    let files = [recipe, options, metrics, final, receipt, result]
    let names = files.map { $0.dropFirst(path.count + 1) } + ["report.html"]
    let url = URL(fileURLWithPath: file)
    let isBeside = url.deletingLastPathComponent().lastPathComponent != "checkpoints"
    return owns(file) && !(isBeside && !names.contains { $0 == url.lastPathComponent })
  }

  /// What `result.json` says; nil if there is none.
  ///
  /// - Throws: `RunError` with exit code 65 if it is no run's, 66 or 74 if it cannot be read.
  func readResult() throws(RunError) -> RunResult? {
    guard FileManager.default.fileExists(atPath: result) else { return nil }
    let bytes: [UInt8]
    do throws(FileError) { bytes = try readFile(result) } catch { throw RunError(error) }
    do {
      return try JSONDecoder().decode(RunResult.self, from: Data(bytes))
    } catch {
      throw RunError("\(result): expected a run's figures, found other text", exitCode: 65)
    }
  }

  /// The figures of the run if it is complete: they are there, and so is the model that they are of. `digest` gives a
  /// file's SHA-256.
  package func finishedResult(digest: (_ path: String) -> String?) -> RunResult? {
    guard let result = try? readResult(), digest(final) == result.checkpointDigest else { return nil }
    return result
  }
}
