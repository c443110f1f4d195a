internal import Files
internal import Foundation
internal import Inference
internal import Model

/// A model as Keras saves it: `.keras` (Keras 3), `.h5`, or weights alone, `.weights.h5`.
struct KerasFile {
  /// The network and what belongs to it; nil in a file of weights alone.
  let network: KerasNetwork?
  /// The layers with weights: the network's, in its order, or those that there are, by Keras's names.
  let layers: [ForeignLayer]

  /// The entries of a `.keras` archive.
  private static let (configEntry, weightsEntry) = ("config.json", "model.weights.h5")

  /// Whether a zip archive with these entries is a model of Keras's.
  static func isModel(_ names: [String]) -> Bool { names.contains(weightsEntry) }

  /// Reads the archive at `path`. Images have the shape `images`, or that which the model tells.
  ///
  /// - Throws: kind `malformed`, `different` if the model is no network that Lockstep has, or `unavailable` without libhdf5.
  init(archive path: String, images: Shape?) throws(FileError) {
    let entries = try ZipArchive.read(path)
    guard let config = entries.first(where: { $0.name == Self.configEntry }),
      let weights = entries.first(where: { $0.name == Self.weightsEntry })
    else {
      throw FileError(
        .malformed, "\(path): expected \(Self.configEntry) and \(Self.weightsEntry), as Keras writes them")
    }
    let network = try KerasNetwork(json: config.bytes, images: images, path: path)
    let file = try HDF5File(weights.bytes, path: path)
    self.network = network
    layers = try Self.numbered(in: file, network.weighted, path: path)
  }

  /// Reads the HDF5 file at `path`, whose bytes are given.
  ///
  /// - Throws: as above.
  init(hdf5 bytes: [UInt8], images: Shape?, path: String) throws(FileError) {
    let file = try HDF5File(bytes, path: path)
    if let config = try file.texts("model_config")?.first {
      let network = try KerasNetwork(json: Array(config.utf8), images: images, path: path)
      self.network = network
      var layers: [ForeignLayer] = []
      for layer in network.weighted {
        layers.append(try Self.named(layer.name, in: file, group: "/model_weights/\(layer.name)", path: path))
      }
      self.layers = layers
      return
    }
    network = nil
    if let names = try file.texts("layer_names") {
      var layers: [ForeignLayer] = []
      for name in names where try file.texts("weight_names", of: "/\(name)")?.isEmpty == false {
        layers.append(try Self.named(name, in: file, group: "/\(name)", path: path))
      }
      self.layers = layers
    } else {
      var layers: [ForeignLayer] = []
      for kind in KerasNetwork.Weighted.kinds {
        var count = 0
        while let layer = try Self.numbered(in: file, kind, count) {
          layers.append(layer)
          count += 1
        }
      }
      guard !layers.isEmpty else {
        throw FileError(
          .malformed, "\(path): expected layers of Keras's with weights (Conv2D, Dense), found none")
      }
      self.layers = layers
    }
  }

  /// The layers of Keras 3's files: each of a kind by its number among its kind.
  private static func numbered(
    in file: HDF5File, _ weighted: [KerasNetwork.Weighted], path: String
  ) throws(FileError) -> [ForeignLayer] {
    var counts: [String: Int] = [:]
    var layers: [ForeignLayer] = []
    for layer in weighted {
      let index = counts[layer.kind, default: 0]
      counts[layer.kind] = index + 1
      guard var found = try numbered(in: file, layer.kind, index) else {
        throw FileError(.malformed, "\(path): expected the weights of the layer '\(layer.name)', found none")
      }
      found.name = layer.name
      layers.append(found)
    }
    return layers
  }

  private static func numbered(
    in file: HDF5File, _ kind: String, _ index: Int
  ) throws(FileError) -> ForeignLayer? {
    let name = index == 0 ? kind : "\(kind)_\(index)"
    let group = "/layers/\(name)/vars/"
    guard let kernel = try file.tensor(group + "0") else { return nil }
    return ForeignLayer(
      name: name, shape: kernel.shape, weights: kernel.values, biases: try file.tensor(group + "1")?.values)
  }

  /// A layer of an older file, where a group names its tensors.
  private static func named(
    _ name: String, in file: HDF5File, group: String, path: String
  ) throws(FileError) -> ForeignLayer {
    var tensors: [ForeignTensor] = []
    for tensor in try file.texts("weight_names", of: group) ?? [] {
      if let tensor = try file.tensor(group + "/" + tensor) { tensors.append(tensor) }
    }
    guard let kernel = tensors.first, tensors.count <= 2 else {
      throw FileError(
        .malformed,
        "\(path): expected weights and biases of the layer '\(name)', found \(tensors.count) tensors")
    }
    return ForeignLayer(
      name: name, shape: kernel.shape, weights: kernel.values,
      biases: tensors.count == 2 ? tensors[1].values : nil)
  }
}
