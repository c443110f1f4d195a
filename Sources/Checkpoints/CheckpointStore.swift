package import Files
internal import SystemPackage

/// The checkpoints of one run: files `step-NNNNNN.safetensors` in a folder, the newest few and the best.
///
/// All it knows is in the folder and in the files' own metadata; there is no index that could disagree. One
/// process at a time may write; any number may read.
package struct CheckpointStore: Hashable, Sendable {
  /// The metadata key by which the best checkpoint is chosen: a number, the higher the better.
  package static let scoreKey = "validationAccuracy"

  /// The folder.
  package let folder: String
  /// How many of the newest checkpoints stay.
  package let keep: Int

  /// A checkpoint's name and place; whether it is intact shows when it is read.
  package struct Entry: Hashable, Sendable {
    /// The training step it was written after, from its name.
    package let step: Int
    /// Its path.
    package let path: String
  }

  /// The outcome of looking for a checkpoint to go on from.
  package struct Newest: Sendable {
    /// The newest intact checkpoint; nil if there is none.
    package let checkpoint: CheckpointFile?
    /// Why each newer one was passed over, newest first.
    package let skipped: [FileError]
  }

  /// A store in `folder` that keeps the `keep` newest checkpoints (at least one). Touches nothing on disk.
  package init(folder: String, keep: Int) {
    precondition(keep >= 1, "a store must keep at least one checkpoint")
    self.folder = folder
    self.keep = keep
  }

  /// Creates the folder if necessary, and removes what writers left behind that were killed.
  ///
  /// - Throws: kind `notCreatable`.
  package func prepare() throws(FileError) {
    try PendingFile.createFolder(folder)
    PendingFile.removeLeftovers(in: folder) { Self.step(ofName: $0) != nil }
  }

  /// The path of the checkpoint after `step` steps.
  package func path(forStep step: Int) -> String {
    FilePath(folder).appending(Self.name(forStep: step)).string
  }

  /// The checkpoints by name, newest first; none if there is no folder.
  ///
  /// - Throws: kind `inputOutput` if the folder cannot be read.
  package func list() throws(FileError) -> [Entry] {
    let names: [String]
    do {
      names = try FilePath(folder).names()
    } catch {
      if error == .noSuchFileOrDirectory { return [] }
      throw FileError(.inputOutput, "\(folder): cannot be read: \(error)")
    }
    let steps = names.compactMap { Self.step(ofName: $0) }
    return steps.sorted(by: >).map { Entry(step: $0, path: path(forStep: $0)) }
  }

  /// Reads the newest checkpoint that is intact.
  ///
  /// - Throws: kind `inputOutput` if the folder cannot be read.
  package func newestValid() throws(FileError) -> Newest {
    var skipped: [FileError] = []
    for entry in try list() {
      do {
        return Newest(checkpoint: try CheckpointFile(reading: entry.path), skipped: skipped)
      } catch {
        skipped.append(error)
      }
    }
    return Newest(checkpoint: nil, skipped: skipped)
  }

  /// Writes the checkpoint after `step` steps, then removes those that need not stay.
  ///
  /// Parameters are those of `CheckpointFile.write`. The folder must exist (`prepare`).
  ///
  /// - Throws: kind `notCreatable` or `inputOutput`.
  package func save(
    step: Int, tensors: [TensorDescription], metadata: [String: String], pieces: [UnsafeRawBufferPointer]
  ) throws(FileError) {
    try CheckpointFile.write(
      tensors: tensors, metadata: metadata, pieces: pieces, to: path(forStep: step))
    try prune(sparing: step)
  }

  /// Removes all but the newest `keep`, the best, and the one of step `spared`.
  ///
  /// A run that goes on from an older checkpoint writes lower steps than the newest; those are spared while
  /// they are the latest. Files that are cut or have no proper header neither count nor are removed.
  ///
  /// - Throws: kind `inputOutput`.
  package func prune(sparing spared: Int? = nil) throws(FileError) {
    let candidates = try plausible()
    let best = Self.best(of: candidates)
    for candidate in candidates.dropFirst(keep) where candidate.entry != best {
      if candidate.entry.step == spared { continue }
      do {
        try FilePath(candidate.entry.path).remove()
      } catch {
        if error == .noSuchFileOrDirectory { continue }
        throw FileError(.inputOutput, "\(candidate.entry.path): cannot be removed: \(error)")
      }
    }
  }

  /// Renames the checkpoints of later steps than `step` to `NAME.left`, `NAME.left-2` and so on, so that none of them is
  /// taken for one of the run that goes on from there; returns the new paths. Nothing is lost.
  ///
  /// Files that are cut or have no proper header stay: nobody goes on from them.
  ///
  /// - Throws: kind `inputOutput`.
  package func setAside(after step: Int) throws(FileError) -> [String] {
    var paths: [String] = []
    for candidate in try plausible() where candidate.entry.step > step {
      let old = candidate.entry.path
      var new = old + ".left"
      var number = 2
      while FilePath(new).isFile || FilePath(new).isFolder {
        new = "\(old).left-\(number)"
        number += 1
      }
      do {
        try FilePath(old).move(to: FilePath(new))
      } catch {
        throw FileError(.inputOutput, "\(old): cannot be renamed to \(new): \(error)")
      }
      paths.append(new)
    }
    return paths
  }

  /// A checkpoint whose header could be read and that has the right size.
  private struct Candidate {
    let entry: Entry
    let score: Double?
  }

  private func plausible() throws(FileError) -> [Candidate] {
    var candidates: [Candidate] = []
    for entry in try list() {
      guard let file = try? ReadableFile(path: entry.path), let header = try? CheckpointFile.header(of: file)
      else { continue }
      let score = header.metadata[Self.scoreKey].flatMap { Double($0) }
      candidates.append(Candidate(entry: entry, score: score.flatMap { $0.isFinite ? $0 : nil }))
    }
    return candidates
  }

  /// The checkpoint with the highest score, the newer one of equals; nil if none has a score.
  private static func best(of candidates: [Candidate]) -> Entry? {
    var best: (entry: Entry, score: Double)?
    for candidate in candidates {
      guard let score = candidate.score, score > best?.score ?? -.infinity else { continue }
      best = (candidate.entry, score)
    }
    return best?.entry
  }

  private static let prefix = "step-"
  private static let suffix = ".safetensors"

  private static func name(forStep step: Int) -> String {
    precondition(step >= 0, "steps are counted from 0")
    let digits = String(step)
    return prefix + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + suffix
  }

  private static func step(ofName name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
    guard let step = Int(digits), step >= 0, Self.name(forStep: step) == name else { return nil }
    return step
  }
}
