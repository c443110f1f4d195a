internal import Checkpoints
internal import Digests
internal import Files
internal import Runs

/// Writes the root's checkpoints while training goes on.
final class CheckpointKeeper {
  private let folder: RunFolder
  private let store: CheckpointStore
  private let writer: AsynchronousCheckpointWriter
  private let tensors: [TensorDescription]

  /// Prepares the folder for checkpoints made of `tensors`, `kept` of the newest to be kept.
  ///
  /// - Throws: `RunError` if the folder cannot be created, or with exit code 64 if such checkpoints would be too large to
  ///   be read again.
  init(folder: RunFolder, kept: Int, tensors: [TensorDescription]) throws(RunError) {
    let byteCount = tensors.reduce(0) { $0 + $1.byteCount }
    guard byteCount <= CheckpointFile.maximumDataByteCount else {
      throw RunError(
        "a checkpoint of this network and optimizer takes \(byteCount >> 20) MiB, expected at most "
          + "\(CheckpointFile.maximumDataByteCount >> 20) MiB: use a smaller --network, or an optimizer with fewer moments",
        exitCode: 64)
    }
    self.folder = folder
    self.tensors = tensors
    store = CheckpointStore(folder: folder.checkpoints, keep: kept)
    do {
      try store.prepare()
    } catch {
      throw RunError(error)
    }
    writer = AsynchronousCheckpointWriter(store: store, tensors: tensors)
  }

  /// Puts checkpoints of later steps than `step` out of the way and returns their new names.
  ///
  /// - Throws: `RunError` if one cannot be renamed.
  func setAside(after step: Int) throws(RunError) -> [String] {
    do {
      return try store.setAside(after: step)
    } catch {
      throw RunError(error)
    }
  }

  /// Takes a snapshot and saves it in the background; waits only for the one before it.
  ///
  /// - Throws: `RunError` if that one could not be written.
  func save(step: Int, metadata: [String: String], pieces: [UnsafeRawBufferPointer]) throws(RunError) {
    try explained { () throws(FileError) in
      try writer.save(step: step, metadata: metadata, copying: pieces)
    }
  }

  /// Waits until everything is on the disk.
  ///
  /// - Throws: `RunError` if something could not be written.
  func finish() throws(RunError) {
    try explained { () throws(FileError) in try writer.finish() }
  }

  /// Writes the model at the end, and returns the SHA-256 of its file as it lies on the disk.
  ///
  /// - Throws: `RunError` if it cannot be written or read back.
  func writeFinal(
    metadata: [String: String], pieces: [UnsafeRawBufferPointer]
  ) throws(RunError) -> SHA256Digest {
    try finish()
    try explained { () throws(FileError) in
      try CheckpointFile.write(tensors: tensors, metadata: metadata, pieces: pieces, to: folder.final)
    }
    do {
      return SHA256Digest(of: try readFile(folder.final))
    } catch {
      throw RunError(error)
    }
  }

  private func explained(_ body: () throws(FileError) -> Void) throws(RunError) {
    do {
      try body()
    } catch {
      let last = (try? store.newestValid())?.checkpoint.map { "; the last good checkpoint is \($0.path)" }
      throw RunError(
        "no checkpoint could be written: \(error.description)\(last ?? "")", exitCode: error.exitCode)
    }
  }
}
