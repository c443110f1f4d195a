internal import Checkpoints
package import Collectives
internal import Foundation
package import Runs

/// Creates the folder of a run that was given none, `runs/NAME-DATE`, or where that is taken `runs/NAME-DATE-2` and so on,
/// on the root, and tells all ranks its name. Called by all ranks; what decides on the name counts on the root alone.
///
/// - Parameters:
///   - model: The file of the model or checkpoint that the run begins with, whose recipe is its own unless another one is
///     asked for; nil for none.
///   - recipeFile: The file that the recipe is read from; nil for none.
///   - communicator: The ranks.
///   - resolve: Makes the run's recipe of that of `model`.
/// - Returns: The folder, which is there.
/// - Throws: a shared `RunError` with exit code 73.
package func newRunFolder(
  from model: String?, recipeFile: String?, over communicator: any Communicator,
  resolve: (Recipe?) throws -> Recipe
) throws -> RunFolder {
  let own = try together(communicator) { () -> RunFolder? in
    guard communicator.rank == 0 else { return nil }
    // Whatever is wrong with the recipe or the model is told when they are used.
    let base = model.flatMap { try? CheckpointFile(reading: $0) }.flatMap {
      try? Recipe(metadata: $0.contents.metadata, origin: $0.path)
    }
    let name = (try? resolve(base))?.folderName(file: recipeFile) ?? "run"
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd-HHmmss"
    return try RunFolder(freshNamed: "runs/\(name)-\(formatter.string(from: Date()))")
  }
  let paths = try communicator.allGather(Array((own?.path ?? "").utf8))
  return own ?? RunFolder(path: String(decoding: paths[0], as: UTF8.self))
}
