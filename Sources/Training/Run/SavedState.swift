internal import Checkpoints
internal import Collectives
internal import Digests
internal import Files
internal import Foundation
internal import Model
internal import Tensors

/// A checkpoint as a run sees it.
struct SavedState {
  let contents: CheckpointContents
  /// What errors call it.
  let name: String

  /// Reads and verifies a file.
  init(path: String) throws {
    try self.init(bytes: readFile(path), name: path)
  }

  init(bytes: [UInt8], name: String) throws(CheckpointError) {
    contents = try CheckpointFile.decode(bytes, name: name)
    self.name = name
  }

  /// The recipe of the run that wrote it.
  func recipe() throws -> Recipe {
    guard let text = contents.metadata["recipe"] else {
      throw RunError("\(name): expected the metadata 'recipe', found none", exitCode: 65)
    }
    return try Recipe.parse(Data(text.utf8), origin: name)
  }

  /// Steps taken when it was written.
  func step() throws -> Int {
    guard let step = contents.metadata["step"].flatMap({ Int($0) }), step >= 0 else {
      throw RunError("\(name): expected the metadata 'step', a number, found none", exitCode: 65)
    }
    return step
  }

  /// Checks that a run with `recipe` on a dataset can go on from here.
  ///
  /// - Throws: `RunError` showing the first difference.
  func requireContinuation(recipe: Recipe, facts: DatasetFacts) throws {
    let own = try self.recipe()
    let pairs: [(what: String, own: String, other: String)] = [
      ("network", own.network.description, recipe.network.description),
      ("optimizer", own.optimizer.name, recipe.optimizer.name),
      ("global batch", "\(own.globalBatch)", "\(recipe.globalBatch)"),
      ("micro-batch", "\(own.microBatch)", "\(recipe.microBatch)"),
      ("validation split", "\(own.validation)", "\(recipe.validation)"),
      ("treatment of the last batch", "\(own.dropsLastBatch)", "\(recipe.dropsLastBatch)"),
      ("seed", "\(own.seed)", "\(recipe.seed)"),
      ("weight averaging", "\(own.averaging != nil)", "\(recipe.averaging != nil)"),
      ("dataset", contents.metadata["datasetDigest"] ?? "unknown", facts.digest.description),
    ]
    for pair in pairs where pair.own != pair.other {
      throw RunError(
        "\(name) cannot be continued with another \(pair.what): it was written with \(pair.own), this run has "
          + pair.other, exitCode: 65)
    }
  }

  /// Reads a checkpoint on the root alone and hands its bytes to all ranks: only the root's node needs the file.
  /// `load` gives the bytes and the name, nil where there is nothing to load.
  static func shared(
    over communicator: any Communicator, _ load: () throws -> (bytes: [UInt8], name: String)?
  ) throws -> SavedState? {
    let loaded = try together(communicator) { communicator.rank == 0 ? try load() : nil }
    let name = String(
      decoding: try communicator.allGather(Array((loaded?.name ?? "").utf8))[0], as: UTF8.self)
    var lengths: [Int64] = [Int64(loaded?.bytes.count ?? 0)]
    try communicator.allReduceSum(&lengths)
    guard lengths[0] > 0 else { return nil }
    var bytes = loaded?.bytes ?? [UInt8](repeating: 0, count: Int(lengths[0]))
    try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
    return try together(communicator) { try SavedState(bytes: bytes, name: name) }
  }
}

extension TrainingState {
  /// Everything the run needs to go on, and nothing that depends on time, host or rank count.
  func checkpoint(recipe: Recipe, facts: DatasetFacts, validation: Evaluation?) -> CheckpointContents {
    var metadata = [
      "recipe": recipe.json(), "epoch": "\(cursor.epoch)", "step": "\(cursor.step)",
      "datasetDigest": facts.digest.description,
    ]
    metadata[CheckpointStore.scoreKey] = validation.map { "\($0.accuracy)" }
    let tensors = buffers.flatMap { prefix, values in
      layout.tensors.map { tensor in
        CheckpointContents.Tensor(
          name: "\(prefix).\(tensor.name)", shape: tensor.shape, values: Array(values.elements[tensor.range]))
      }
    }
    return CheckpointContents(tensors: tensors, metadata: metadata)
  }

  /// Takes over parameters, moments and averages.
  ///
  /// - Throws: `RunError` if a tensor is missing or has another shape.
  func restore(from saved: SavedState) throws {
    for (prefix, values) in buffers {
      for tensor in layout.tensors {
        let name = "\(prefix).\(tensor.name)"
        guard let source = saved.contents[name] else {
          throw RunError("\(saved.name): expected the tensor '\(name)', found none", exitCode: 65)
        }
        guard source.shape == tensor.shape else {
          throw RunError(
            "\(saved.name): expected '\(name)' of shape \(tensor.shape), found \(source.shape)", exitCode: 65)
        }
        (values.pointer + tensor.offset).update(from: source.values, count: tensor.count)
      }
    }
  }
}

/// The checkpoint that the options say to go on from; nil for a start from the beginning. Called by all ranks.
///
/// A damaged file is named and skipped in favour of the newest valid one beside it.
func loadCheckpoint(
  _ options: TrainingOptions, communicator: any Communicator, notice: (String) -> Void
) throws -> SavedState? {
  switch options.resume {
  case .none:
    let folder = options.folder
    try together(communicator) {
      if communicator.rank == 0, folder.isUsed {
        throw RunError(
          "\(folder.path) already holds a run: go on with it by --resume, or name another folder with --run",
          exitCode: 73)
      }
    }
    return nil
  case .newest:
    return try SavedState.shared(over: communicator) {
      try newest(in: options.folder.checkpoints, kept: options.checkpointsKept, notice: notice)
        ?? {
          notice("no checkpoint in \(options.folder.checkpoints): starting from the beginning")
          return nil
        }()
    }
  case .file(let path):
    return try SavedState.shared(over: communicator) {
      do {
        let bytes = try readFile(path)
        _ = try CheckpointFile.decode(bytes, name: path)
        return (bytes, path)
      } catch let error as CheckpointError {
        let folder = String(
          path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))
        guard
          let other = try newest(
            in: folder.isEmpty ? "." : folder, kept: options.checkpointsKept, notice: { _ in })
        else { throw error }
        notice("\(error.description); going on from \(other.name) instead")
        return other
      }
    }
  }
}

private func newest(
  in folder: String, kept: Int, notice: (String) -> Void
) throws -> (bytes: [UInt8], name: String)? {
  let store = CheckpointStore(folder: folder, kept: kept)
  let (found, skipped) = store.newestValid()
  for sentence in skipped { notice("skipping \(sentence)") }
  if found == nil, !skipped.isEmpty {
    throw RunError("no valid checkpoint in \(folder): all \(skipped.count) are damaged", exitCode: 65)
  }
  return found.map { ($0.bytes, store.path(step: $0.step)) }
}
