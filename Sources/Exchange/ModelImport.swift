internal import Checkpoints
package import Digests
package import Files
internal import Foundation
package import Inference
package import Model
package import Runs

/// What there is to know of a file with a model from elsewhere, beside what it says itself.
package struct ImportOptions: Sendable {
  /// The network that the weights are of; nil where the file tells, as ONNX does.
  package var network: NetworkSpecification?
  /// How the file keeps weights; nil for what is usual: PyTorch's layout in safetensors, Keras's elsewhere.
  package var layout: TensorLayout?
  /// The file's names of the layers with weights, in the network's order; nil to find them by shape and order.
  package var names: [String]?
  /// What the model was trained to take for a pixel; nil for what is usual: bytes where an ONNX graph takes bytes or Keras's
  /// Rescaling scales them, pixel / 255 in Keras's other files, else standardized pixels.
  package var pixels: PixelScale?
  /// The shape of the images that it takes; nil for what the file tells, as ONNX may, else 28 × 28.
  package var images: Shape?

  package init() {}
}

/// A model from elsewhere, as Lockstep's own.
package struct ImportedModel: Sendable {
  /// Where one layer's parameters came from.
  package struct Origin: Sendable {
    /// The layer's name here, e.g. `conv1`.
    package let layer: String
    /// Its name there.
    package let name: String
    /// The shape of its weights there.
    package let shape: [Int]
    package let hasBiases: Bool
  }

  package let weights: ModelWeights
  package let origins: [Origin]
  /// A recipe with the model's network: that of the built-in recipe which has it, else `quick` with another network.
  package let recipe: Recipe
  /// SHA-256 of the file's bytes.
  package let fileDigest: SHA256Digest

  /// Reads the file at `path`: safetensors, npz, ONNX or a model of Keras's, told apart by their content.
  ///
  /// - Throws: kind `missing`, `malformed`, `different` or `usage`, or `unavailable` where a library is not installed, with
  ///   one sentence; `NetworkSpecificationError`.
  package init(reading path: String, options: ImportOptions) throws {
    let bytes = try readFile(path)
    fileDigest = SHA256Digest(of: bytes)
    switch try ForeignFormat(bytes, path: path) {
    case .safetensors: (weights, origins) = try Self.safetensors(path, options)
    case .npz: (weights, origins) = try Self.npz(path, options)
    case .onnx: (weights, origins) = try Self.onnx(bytes, path, options)
    case .keras:
      let file = try KerasFile(archive: path, images: options.images)
      (weights, origins) = try Self.keras(file, path, options)
    case .hdf5:
      let file = try KerasFile(hdf5: bytes, images: options.images, path: path)
      (weights, origins) = try Self.keras(file, path, options)
    }
    guard weights.values.allSatisfy(\.isFinite) else {
      throw FileError(.malformed, "\(path): its scaling of pixels makes weights that are not finite")
    }
    recipe = Self.recipe(for: weights.network)
  }

  /// Writes the model to `path` as a checkpoint, at once or not at all; a file that is there already is replaced only if
  /// `replaces` says so.
  ///
  /// - Throws: kind `notCreatable` or `inputOutput`.
  package func write(to path: String, replacing replaces: Bool) throws(FileError) {
    try requireFree(path, replacing: replaces)
    try writeFile(StoredModel.bytes(of: weights, recipe: recipe, source: fileDigest), to: path)
  }

  private static func recipe(for network: NetworkSpecification) -> Recipe {
    if let own = Recipe.names.lazy.compactMap({ Recipe.named($0) }).first(where: { $0.network == network }) {
      return own
    }
    guard var recipe = Recipe.named("quick") else { preconditionFailure("`quick` is built in") }
    recipe.name = "imported"
    recipe.network = network
    return recipe
  }

  private static func safetensors(
    _ path: String, _ options: ImportOptions
  ) throws -> (ModelWeights, [Origin]) {
    let file = try SafeTensorsFile(reading: path)
    guard !file.isCheckpoint else {
      throw FileError(.usage, "\(path) is a model of Lockstep's already: it can be used as it is")
    }
    let own = file.contents.metadata[networkKey]
    let network =
      try options.network
      ?? own.map { text throws(FileError) in
        do { return try NetworkSpecification(text) } catch {
          throw FileError(.malformed, "\(path): the network in its metadata cannot be read: \(error)")
        }
      }
    let tensors = file.contents.tensors.map { tensor in
      ForeignTensor(
        name: tensor.name, shape: tensor.shape,
        values: file.contents[tensor.name]?.doubles.map { Float($0) } ?? [])
    }
    let layers = try ForeignLayer.layers(of: tensors, path: path)
    return try named(layers, network, layout: options.layout ?? .pytorch, path, options)
  }

  private static func npz(_ path: String, _ options: ImportOptions) throws -> (ModelWeights, [Origin]) {
    let tensors = try ZipArchive.read(path).map { entry throws(FileError) in
      let name = entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
      let (shape, values) = try NPYArray.read(entry.bytes, name: "\(path): \(name)")
      return ForeignTensor(name: name, shape: shape, values: values)
    }
    let layers = try ForeignLayer.layers(of: tensors, path: path)
    return try named(layers, options.network, layout: options.layout ?? .keras, path, options)
  }

  private static func named(
    _ layers: [ForeignLayer], _ network: NetworkSpecification?, layout: TensorLayout, _ path: String,
    _ options: ImportOptions
  ) throws -> (ModelWeights, [Origin]) {
    guard let network else {
      throw FileError(
        .usage,
        "\(path) has weights and no network: name it with --network, e.g. keras or 'conv 8x3; relu; dense 10'"
      )
    }
    var weights = try ModelWeights(network, input: options.images ?? .mnist)
    let taken = try weights.take(layers, in: layout, names: options.names, path: path)
    try weights.absorb((options.pixels ?? .standardized).map, path: path)
    return (weights, origins(taken))
  }

  private static func onnx(
    _ bytes: [UInt8], _ path: String, _ options: ImportOptions
  ) throws -> (ModelWeights, [Origin]) {
    let found = try ONNXNetwork(bytes, images: options.images, path: path)
    guard options.layout ?? .pytorch == .pytorch, options.names == nil else {
      throw FileError(.usage, "\(path) is an ONNX graph, which needs neither --layout nor --names")
    }
    if let network = options.network, network != found.network {
      throw FileError(.different, "\(path): expected the network '\(network)', found '\(found.network)'")
    }
    var weights = try ModelWeights(found.network, input: found.inputShape)
    var layers: [ForeignLayer] = []
    // Nodes need no names, and those that they have need not differ.
    for (index, layer) in found.layers.enumerated() {
      var layer = layer
      if layer.name.isEmpty || layers.contains(where: { $0.name == layer.name }) {
        layer.name += "#\(index + 1)"
      }
      layers.append(layer)
    }
    let taken = try weights.take(layers, in: .pytorch, names: layers.map(\.name), path: path)
    let pixels = options.pixels ?? (found.takesBytes ? .bytes : .standardized)
    try weights.absorb(found.scaling.after(pixels.map), path: path)
    return (weights, origins(taken))
  }

  private static func keras(
    _ file: KerasFile, _ path: String, _ options: ImportOptions
  ) throws -> (ModelWeights, [Origin]) {
    var options = options
    guard let found = file.network else {
      options.pixels = options.pixels ?? .unit
      return try named(file.layers, options.network, layout: options.layout ?? .keras, path, options)
    }
    guard options.layout ?? .keras == .keras, options.names == nil else {
      throw FileError(.usage, "\(path) is a whole model of Keras's, which needs neither --layout nor --names")
    }
    if let network = options.network, network != found.network {
      throw FileError(.different, "\(path): expected the network '\(network)', found '\(found.network)'")
    }
    var weights = try ModelWeights(found.network, input: found.inputShape)
    let names = file.layers.map(\.name)
    let taken = try weights.take(file.layers, in: .keras, names: names, path: path)
    let pixels = options.pixels ?? (found.scalesPixels ? .bytes : .unit)
    try weights.absorb(found.scaling.after(pixels.map), path: path)
    return (weights, origins(taken))
  }

  private static func origins(_ taken: [(layer: String, from: ForeignLayer)]) -> [Origin] {
    taken.map { layer, from in
      Origin(layer: layer, name: from.name, shape: from.shape, hasBiases: from.biases != nil)
    }
  }
}

/// What a file of another program is.
private enum ForeignFormat {
  case safetensors
  case npz
  case onnx
  /// Keras's own archive.
  case keras
  /// Keras's older format, and that of its weights alone.
  case hdf5

  /// Tells by a file's bytes.
  ///
  /// - Throws: kind `malformed` for formats that are known and not read, with the way around.
  init(_ bytes: [UInt8], path: String) throws(FileError) {
    func problem(_ format: String, _ way: String) -> FileError {
      FileError(
        .malformed,
        "\(path): expected a model as safetensors, npz, ONNX, .keras or .h5, found \(format): \(way)")
    }
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      self = .hdf5
    } else if bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6]) {
      let names = try ZipArchive.names(in: path)
      if names.contains(where: { $0.hasSuffix("data.pkl") }) {
        throw problem(
          "PyTorch's own format",
          "save it with safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")"
        )
      }
      self = KerasFile.isModel(names) ? .keras : .npz
    } else if bytes.count > 8,
      bytes[8...].first(where: { ![32, 9, 10, 13].contains($0) }) == UInt8(ascii: "{"),
      bytes[4..<8].allSatisfy({ $0 == 0 })
    {
      self = .safetensors
    } else {
      self = .onnx
    }
  }
}
