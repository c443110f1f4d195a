internal import Checkpoints
internal import Collectives
internal import Digests
internal import Files
internal import Foundation
internal import Model
internal import Runs
internal import Tensors

/// A checkpoint as a run sees it.
struct SavedState {
  let file: CheckpointFile

  /// What errors call it.
  var name: String { file.path }

  /// Reads and verifies a file.
  init(path: String) throws(FileError) {
    file = try CheckpointFile(reading: path)
  }

  init(bytes: [UInt8], name: String) throws(FileError) {
    file = try CheckpointFile(bytes: bytes, path: name)
  }

  /// The recipe of the run that wrote it.
  func recipe() throws -> Recipe {
    guard let text = file.contents.metadata["recipe"] else {
      throw RunError("\(name): expected the metadata 'recipe', found none", exitCode: 65)
    }
    do {
      return try Recipe.parse(Data(text.utf8), origin: name)
    } catch {
      throw RunError(error.description, exitCode: 65)
    }
  }

  /// Steps taken when it was written.
  func step() throws -> Int {
    let text = file.contents.metadata["step"]
    guard let step = text.flatMap({ Int($0) }), (0...Recipe.mostSteps).contains(step) else {
      throw RunError(
        "\(name): expected the metadata 'step', a number from 0 to \(Recipe.mostSteps), found "
          + (text.map { "'\($0)'" } ?? "none"), exitCode: 65)
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
      ("dataset", file.contents.metadata["datasetDigest"] ?? "unknown", facts.digest.description),
    ]
    for pair in pairs where pair.own != pair.other {
      throw RunError(
        "\(name) cannot be continued with another \(pair.what): it was written with \(pair.own), this run has "
          + pair.other, exitCode: 65)
    }
  }

  /// Checks that the products of the run that goes on from here, by `Products.identity`, have the bits of the one that
  /// wrote it.
  ///
  /// - Throws: `RunError` naming both.
  func requireProducts(_ identity: String) throws {
    let own = file.contents.metadata[Self.productsKey] ?? Self.definedProducts
    guard own != identity else { return }
    func words(_ identity: String) -> String {
      identity == Self.definedProducts
        ? "products as defined (--products auto or own)" : "the products of \(identity)"
    }
    throw RunError(
      "\(name) was written with \(words(own)), this run has \(words(identity)), whose bits differ: give the same "
        + "--products, or insist with --mixed-products", exitCode: 65)
  }

  /// The metadata's name for products that are not as defined, and what their absence means.
  static let productsKey = "products"
  static let definedProducts = Products.definedIdentity

  /// Reads a checkpoint on the root alone and hands its bytes to all ranks: only the root's node needs the file.
  ///
  /// `find` reads the file, nil where there is nothing to load.
  static func shared(
    over communicator: any Communicator, _ find: () throws -> CheckpointFile?
  ) throws -> SavedState? {
    let found = try together(communicator) { communicator.rank == 0 ? try find() : nil }
    let name = String(decoding: try communicator.allGather(Array((found?.path ?? "").utf8))[0], as: UTF8.self)
    var bytes = found.map { CheckpointFile.bytes(of: $0.contents) } ?? []
    var lengths = [Int64(bytes.count)]
    try communicator.allReduceSum(&lengths)
    guard lengths[0] > 0 else { return nil }
    if found == nil { bytes = [UInt8](repeating: 0, count: Int(lengths[0])) }
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    try communicator.broadcast(&raw, from: 0)
    return try together(communicator) { try SavedState(bytes: bytes, name: name) }
  }
}

extension TrainingState {
  /// The tensors of a checkpoint, in the order of `pieces`.
  var tensors: [TensorDescription] {
    buffers.flatMap { prefix, _ in
      layout.tensors.map { TensorDescription(name: "\(prefix).\($0.name)", shape: $0.shape) }
    }
  }

  /// The bytes of all flat buffers: the data of a checkpoint.
  var pieces: [UnsafeRawBufferPointer] {
    buffers.map(\.values.bytes)
  }

  /// What else the run needs to go on; nothing in it depends on time, host or rank count.
  func metadata(recipe: Recipe, facts: DatasetFacts, validation: Evaluation?) -> [String: String] {
    var metadata = [
      "recipe": recipe.json(), "epoch": "\(cursor.epoch)", "step": "\(cursor.step)",
      "datasetDigest": facts.digest.description,
    ]
    let products = Products.shared.identity
    if products != SavedState.definedProducts { metadata[SavedState.productsKey] = products }
    metadata[CheckpointStore.scoreKey] = validation.map { "\($0.accuracy)" }
    return metadata
  }

  /// Takes over parameters, moments and averages.
  ///
  /// - Throws: `FileError` if a tensor is missing or has another shape.
  func restore(from saved: SavedState) throws(FileError) {
    try saved.file.restore(tensors, into: buffers.map { UnsafeMutableRawBufferPointer($0.values.elements) })
  }
}

/// The checkpoint that the options say to go on from; nil for a start from the beginning. Called by all ranks.
///
/// A damaged file is named and skipped in favour of the newest valid one beside it. The root holds the folder's lock.
func loadCheckpoint(
  _ options: TrainingOptions, communicator: any Communicator, notice: (String) -> Void
) throws -> SavedState? {
  let folder = options.folder
  switch options.resume {
  case .none:
    try together(communicator) { if communicator.rank == 0 { try folder.requireFree() } }
    return nil
  case .newest:
    return try SavedState.shared(over: communicator) {
      try folder.requireNoStrangers()
      if let found = try newest(in: folder.checkpoints, notice: notice) { return found }
      // Whoever finds the checkpoints of a finished run too large keeps the model, which says as much.
      if let model = try? CheckpointFile(reading: folder.final) { return model }
      notice("no checkpoint in \(folder.checkpoints): starting from the beginning")
      return nil
    }
  case .file(let path):
    return try SavedState.shared(over: communicator) {
      try folder.requireNoStrangers()
      if folder.isUsed, !folder.owns(path), try folder.hasModels {
        throw RunError(
          "\(folder.path) already holds a run, and \(path) is none of its checkpoints: name another folder with --run",
          exitCode: 73)
      }
      do {
        return try CheckpointFile(reading: path)
      } catch let error as FileError where error.kind == .malformed {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        guard let other = try newest(in: parts.isEmpty ? "." : parts.joined(separator: "/"), notice: { _ in })
        else { throw error }
        notice("\(error.description); going on from \(other.path) instead")
        return other
      }
    }
  }
}

extension RunFolder {
  /// Whether something here could be lost that took training: a checkpoint, or a model.
  fileprivate var hasModels: Bool {
    get throws(FileError) {
      try !CheckpointStore(folder: checkpoints, keep: 1).list().isEmpty
        || holdings.contains { $0.hasPrefix("final") || $0.hasPrefix("result") }
    }
  }

  /// Checks that the run here, if any, stays one run when it goes on from a file after `step` steps that it was told
  /// to begin with: its recipe is the same, or the file is its newest checkpoint.
  func requireOneRun(_ recipe: Recipe, from path: String, step: Int) throws {
    guard isUsed else { return }
    let newest = try CheckpointStore(folder: checkpoints, keep: 1).list().first?.step
    if owns(path), step >= newest ?? 0 { return }
    try requireSameRecipe(recipe, from: path)
  }
}

/// The newest intact checkpoint in a folder; each newer one that is damaged is named.
private func newest(in folder: String, notice: (String) -> Void) throws -> CheckpointFile? {
  let result = try CheckpointStore(folder: folder, keep: 1).newestValid()
  for error in result.skipped { notice("skipping \(error.description)") }
  if result.checkpoint == nil, !result.skipped.isEmpty {
    throw RunError(
      "no valid checkpoint in \(folder): all \(result.skipped.count) are damaged", exitCode: 65)
  }
  return result.checkpoint
}
