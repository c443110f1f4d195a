internal import Checkpoints
internal import Digests
internal import Files

/// Writes the root's checkpoints while training goes on.
final class CheckpointKeeper {
  private let folder: RunFolder
  private let store: CheckpointStore
  private let saver = BackgroundSaver()

  init(folder: RunFolder, kept: Int) {
    self.folder = folder
    store = CheckpointStore(folder: folder.checkpoints, kept: kept)
    store.removeLeftovers()
  }

  /// Saves a snapshot in the background; waits only for the one before it.
  ///
  /// - Throws: `RunError` if that one could not be written.
  func save(_ contents: CheckpointContents, step: Int) throws {
    try translated {
      try saver.save { [store] in
        try store.save(CheckpointFile.encode(contents), step: step)
      }
    }
  }

  /// Waits until everything is on the disk.
  func finish() throws {
    try translated { try saver.finish() }
  }

  /// Writes the model at the end, and returns the SHA-256 of its file.
  func writeFinal(_ contents: CheckpointContents) throws -> String {
    try finish()
    let bytes = CheckpointFile.encode(contents)
    try translated { try AtomicFile.save(bytes, as: "final.safetensors", in: folder.path) }
    return SHA256Digest(of: bytes).description
  }

  private func translated(_ body: () throws -> Void) throws(RunError) {
    do {
      try body()
    } catch {
      let last = store.newestValid().found.map {
        "; the last good checkpoint is \(store.path(step: $0.step))"
      }
      var result = RunError(error)
      result = RunError(
        "no checkpoint could be written: \(result.description)\(last ?? "")", exitCode: result.exitCode)
      throw result
    }
  }
}
