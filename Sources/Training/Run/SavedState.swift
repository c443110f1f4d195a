internal import Checkpoints
internal import Collectives
internal import Datasets
internal import Digests
internal import Files
internal import Foundation
internal import Inference
internal import Model
internal import Runs
internal import Tensors

/// A checkpoint as a run sees it: what it says of itself, and, on the rank that read it, the file.
struct SavedState {
  /// What errors call it.
  let name: String
  let metadata: [String: String]
  /// nil on ranks that were told of it.
  private let file: CheckpointFile?

  /// Reads and verifies a file.
  init(path: String) throws(FileError) {
    self.init(try CheckpointFile(reading: path))
  }

  private init(_ file: CheckpointFile) {
    name = file.path
    metadata = file.contents.metadata
    self.file = file
  }

  /// Verifies a file's bytes, which errors call `name`.
  init(file: [UInt8], name: String) throws(FileError) {
    self.init(try CheckpointFile(bytes: file, path: name))
  }

  private init(name: String, metadata: [String: String]) {
    self.name = name
    self.metadata = metadata
    file = nil
  }

  /// The recipe of the run that wrote it.
  func recipe() throws -> Recipe {
    try Recipe(metadata: metadata, origin: name)
  }

  /// Steps taken when it was written.
  func step() throws -> Int {
    let text = metadata["step"]
    guard let step = text.flatMap({ Int($0) }), (0...Recipe.mostSteps).contains(step) else {
      throw RunError(
        "\(name): expected the metadata 'step', a number from 0 to \(Recipe.mostSteps), found "
          + (text.map { "'\($0)'" } ?? "none"), exitCode: 65)
    }
    return step
  }

  /// What the run that wrote it was trained on.
  ///
  /// - Throws: `RunError` with exit code 65 if that cannot be.
  func format() throws(RunError) -> SampleFormat {
    try SampleFormat(metadata: metadata, origin: name)
  }

  /// Checks that a run on samples of a dataset can go on from here.
  ///
  /// - Throws: `RunError` with exit code 65 that names both.
  func requireFormat(_ other: SampleFormat, of dataset: String) throws(RunError) {
    let own = try format()
    guard own != other else { return }
    throw RunError(
      "\(name) cannot be continued with other samples: it was written with \(own), the dataset \(dataset) has \(other)",
      exitCode: 65)
  }

  /// Checks that a run with `recipe` on a dataset can go on from here.
  ///
  /// - Throws: `RunError` showing the first difference.
  func requireContinuation(recipe: Recipe, facts: DatasetFacts) throws {
    guard metadata[Recipe.importKey] == nil else {
      throw RunError(
        "\(name) is an imported model, and no run's checkpoint to go on from: begin a run with it by --from",
        exitCode: 65)
    }
    let own = try self.recipe()
    let pairs: [(what: String, own: String, other: String)] = [
      ("network", own.network.description, recipe.network.description),
      ("optimizer", own.optimizer.name, recipe.optimizer.name),
      ("global batch", "\(own.globalBatch)", "\(recipe.globalBatch)"),
      ("micro-batch", "\(own.microBatch)", "\(recipe.microBatch)"),
      ("validation split", "\(own.validation)", "\(recipe.validation)"),
      ("treatment of the last batch", "\(own.dropsLastBatch)", "\(recipe.dropsLastBatch)"),
      ("seed", "\(own.seed)", "\(recipe.seed)"),
      ("early stopping", "\(own.patience != nil)", "\(recipe.patience != nil)"),
      ("weight averaging", "\(own.averaging != nil)", "\(recipe.averaging != nil)"),
      ("initial model", own.initialModel ?? "none", recipe.initialModel ?? "none"),
      ("dataset", metadata["datasetDigest"] ?? "unknown", facts.digest.description),
    ]
    for pair in pairs where pair.own != pair.other {
      throw RunError(
        "\(name) cannot be continued with another \(pair.what): it was written with \(pair.own), this run has "
          + pair.other, exitCode: 65)
    }
  }

  /// Checks that the file holds as many parameters as `network` has, on a rank that has the file: before memory is taken
  /// for them, since a network of some words may have more parameters than any machine holds.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - prefix: Which of them: `parameters`, or `ema` for their averages.
  /// - Throws: `FileError`, or `NetworkSpecificationError` if it is no network for these images.
  func requireParameters(of network: NetworkSpecification, prefix: String = "parameters") throws {
    guard let file else { return }
    try file.requireParameters(of: network, input: Shape(try format().shape), prefix: prefix)
  }

  /// Checks that a run with `recipe` can begin with the weights of this model.
  ///
  /// - Throws: `RunError` naming both networks.
  func requireNetwork(of recipe: Recipe) throws {
    let own = try self.recipe().network
    guard own != recipe.network else { return }
    throw RunError(
      "\(name) is a model of the network '\(own)', and the run is to train '\(recipe.network)': leave --network away, and "
        + "name no --recipe with another network", exitCode: 65)
  }

  /// Checks that the products of the run that goes on from here, by `Products.identity`, have the bits of the one that
  /// wrote it.
  ///
  /// - Throws: `RunError` naming both.
  func requireProducts(_ identity: String) throws {
    let own = metadata[Self.productsKey] ?? Self.definedProducts
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

  /// Reads a checkpoint on the root alone and tells all ranks what it says of itself: only the root's node needs the file,
  /// and only states get the data, from `TrainingState.restore`. Called by all ranks.
  ///
  /// `find` reads the file, nil where there is nothing to load; the others wait for it, however large the file is. It runs
  /// on another thread.
  static func shared(
    over communicator: any Communicator, _ find: @escaping () throws -> CheckpointFile?
  ) throws -> SavedState? {
    let found = try together(communicator) {
      try whileRootWorks(communicator, communicator.rank == 0 ? find : nil) ?? nil
    }
    let own = try found.map {
      try JSONEncoder().encode(Announcement(name: $0.path, metadata: $0.contents.metadata))
    }
    let text = try communicator.allGather(Array(own ?? Data()))[0]
    if let found { return SavedState(found) }
    if text.isEmpty { return nil }
    let announced = try JSONDecoder().decode(Announcement.self, from: Data(text))
    return SavedState(name: announced.name, metadata: announced.metadata)
  }

  /// What the root tells the others.
  private struct Announcement: Codable {
    var name: String
    var metadata: [String: String]
  }

  /// Copies the data into `buffers`, which `tensors` follow one another in; nothing on a rank that has no file.
  ///
  /// - Throws: `FileError` if a tensor is missing or has another shape.
  func copy(_ tensors: [TensorDescription], into buffers: [FloatBuffer]) throws(FileError) {
    try file?.restore(tensors, into: buffers.map { UnsafeMutableRawBufferPointer($0.elements) })
  }
}

extension TrainingState {
  /// The tensors of a checkpoint, in the order of `pieces`.
  var tensors: [TensorDescription] { layout.tensors(of: buffers) }

  /// The bytes of all flat buffers: the data of a checkpoint.
  var pieces: [UnsafeRawBufferPointer] {
    buffers.map(\.values.bytes)
  }

  /// What else the run needs to go on; nothing in it depends on time, host or rank count.
  func metadata(recipe: Recipe, facts: DatasetFacts, validation: Evaluation?) -> [String: String] {
    var metadata = [
      Recipe.metadataKey: recipe.json(), "epoch": "\(cursor.epoch)", "step": "\(cursor.step)",
      "datasetDigest": facts.digest.description,
    ]
    let products = Products.shared.identity
    if products != SavedState.definedProducts { metadata[SavedState.productsKey] = products }
    let (format, mnist) = (facts.format, SampleFormat.mnist)
    if format.shape != mnist.shape {
      metadata[Recipe.imageShapeKey] = "\(format.shape.height)x\(format.shape.width)"
    }
    if format.classCount != mnist.classCount { metadata[Recipe.classCountKey] = "\(format.classCount)" }
    metadata[CheckpointStore.scoreKey] = validation.map { "\($0.accuracy)" }
    if let earlyStopping { metadata.merge(earlyStopping.metadata) { $1 } }
    return metadata
  }

  /// Takes over parameters, moments and averages from a checkpoint that the root has read. Called by all ranks; `group`
  /// are those that share this state.
  ///
  /// - Throws: `RunError`, the same on all ranks, if a tensor is missing or has another shape.
  func restore(from saved: SavedState, group: NodeGroup, over communicator: any Communicator) throws {
    try saved.restore(buffers, layout: layout, group: group, over: communicator)
  }

  /// Begins with the weights that a model's run evaluated, which the root has read, and with fresh moments. Called by all
  /// ranks; `group` are those that share this state.
  ///
  /// - Throws: `RunError`, the same on all ranks, if a tensor is missing or has another shape.
  func begin(
    with model: SavedState, group: NodeGroup, over communicator: any Communicator
  ) throws {
    let prefix = try together(communicator) { try model.recipe().evaluatedPrefix }
    try model.restore([(prefix, parameters)], layout: layout, group: group, over: communicator)
    if group.isLeader { copyParameters() }
  }
}

extension SavedState {
  /// Copies a model's evaluated weights into `parameters`, on the rank that has read it.
  ///
  /// - Throws: `FileError` if a tensor is missing or has another shape, `RunError` if it has no recipe.
  func restoreWeights(into parameters: FloatBuffer, layout: ParameterLayout) throws {
    let buffers = [(prefix: try recipe().evaluatedPrefix, values: parameters)]
    try copy(layout.tensors(of: buffers), into: [parameters])
  }

  /// Copies the data of tensors that the root has read into `buffers` of every node; `group` are those that share them.
  /// Called by all ranks.
  ///
  /// The root fills its node's buffers and sends them to the other nodes, straight into theirs and a piece at a time: a
  /// checkpoint is never in memory once more for each rank.
  ///
  /// - Throws: `RunError`, the same on all ranks, if a tensor is missing or has another shape.
  func restore(
    _ buffers: [(prefix: String, values: FloatBuffer)], layout: ParameterLayout, group: NodeGroup,
    over communicator: any Communicator
  ) throws {
    try together(communicator) {
      if communicator.rank == 0 { try copy(layout.tensors(of: buffers), into: buffers.map(\.values)) }
    }
    guard group.nodes.count > 1 else { return }
    let limit = 1 << 26
    // Whoever shares its node's memory with the one that fills it has to take part and needs nothing.
    let unused = group.isLeader ? nil : FloatBuffer(count: limit / MemoryLayout<Float>.stride)
    for (_, values) in buffers {
      let all = UnsafeMutableRawBufferPointer(values.elements)
      for start in stride(from: 0, to: all.count, by: limit) {
        let count = min(limit, all.count - start)
        let target = unused.map { UnsafeMutableRawBufferPointer($0.elements) } ?? all
        var piece = MutableRawSpan(
          _unsafeBytes: UnsafeMutableRawBufferPointer(
            rebasing: target[(unused == nil ? start : 0)...].prefix(count)))
        try communicator.broadcast(&piece, from: 0)
      }
    }
  }
}

extension ParameterLayout {
  /// The tensors of flat buffers in this layout, by the prefix of their names.
  func tensors(of buffers: [(prefix: String, values: FloatBuffer)]) -> [TensorDescription] {
    buffers.flatMap { prefix, _ in
      tensors.map { TensorDescription(name: "\(prefix).\($0.name)", shape: $0.shape) }
    }
  }
}

/// The model that the options say to begin with, and SHA-256 of its file; nil for weights drawn from the seed. Called by
/// all ranks; the root reads it.
func loadInitialModel(
  _ options: TrainingOptions, communicator: any Communicator
) throws -> (model: SavedState, digest: String)? {
  guard let path = options.initialModel else { return nil }
  var own: SHA256Digest?
  let model = try SavedState.shared(over: communicator) {
    let (file, digest) = try CheckpointFile.readingWithDigest(path)
    own = digest
    return file
  }
  let digests = try communicator.allGather(Array((own?.description ?? "").utf8))
  return model.map { ($0, String(decoding: digests[0], as: UTF8.self)) }
}

/// The checkpoint that the options say to go on from; nil for a start from the beginning. Called by all ranks.
///
/// A damaged file is named and skipped in favour of the newest valid one beside it. The root holds the folder's lock.
func loadCheckpoint(
  _ options: TrainingOptions, communicator: any Communicator, notice: @escaping (String) -> Void
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
