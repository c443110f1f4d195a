internal import Checkpoints
internal import Digests
package import Files
internal import Foundation
package import Inference
internal import Model
internal import Runs

/// Formats in which other programs take models.
package enum ExportFormat: String, Sendable, CaseIterable {
  /// The whole network, with the scaling of pixels in it: for ONNX Runtime and whatever else runs ONNX.
  case onnx
  /// The weights in PyTorch's layout, to be loaded as a `state_dict`.
  case safetensors
  /// The weights as NumPy's arrays, in Keras's layout.
  case npz

  /// What a model's file is called in this format where nothing is said: in the folder of the model.
  package func defaultPath(for model: String) -> String {
    let url = URL(fileURLWithPath: model.literalPath)
    let stem = url.deletingPathExtension().lastPathComponent
    let name = self == .safetensors ? "\(stem).pytorch.safetensors" : "\(stem).\(rawValue)"
    let folder = model.lastIndex(of: "/").map { model[...$0] } ?? ""
    return folder + name
  }
}

/// What an export wrote.
package struct ExportedModel: Sendable {
  package let path: String
  package let byteCount: Int
}

/// The metadata key of the network's text in exported files.
let networkKey = "network"

extension StoredModel {
  /// Writes the model to `path` for other programs, at once or not at all; the same model gives the same bytes.
  ///
  /// A file that is there already is replaced only if `replaces` says so. `version` is this program's.
  ///
  /// - Throws: kind `notCreatable` or `inputOutput`.
  @discardableResult
  package func export(
    as format: ExportFormat, to path: String, replacing replaces: Bool, version: String
  ) throws(FileError) -> ExportedModel {
    try requireFree(path, replacing: replaces)
    let bytes = try self.bytes(as: format, version: version)
    try writeFile(bytes, to: path)
    return ExportedModel(path: path, byteCount: bytes.count)
  }

  /// The bytes of the model in a format.
  ///
  /// - Throws: kind `inputOutput` if the temporary folder has no room.
  func bytes(as format: ExportFormat, version: String) throws(FileError) -> [UInt8] {
    // So that whoever finds the file knows what it is, and can find the run that made it.
    let metadata = [
      networkKey: weights.network.description, Recipe.metadataKey: recipe.json(),
      "sourceDigest": fileDigest.description,
    ]
    switch format {
    case .onnx: return ONNXGraphWriter.bytes(of: weights, metadata: metadata, version: version)
    case .safetensors:
      let tensors = arrays(in: .pytorch)
      return SafeTensorsFile.bytes(
        tensors: tensors.map { TensorDescription(name: $0.name, shape: $0.shape) }, metadata: metadata,
        format: "pt", data: tensors.flatMap { $0.values.withUnsafeBytes { Array($0) } })
    case .npz:
      return try ZipArchive.bytes(
        of: arrays(in: .keras).map { array in
          ZipArchive.Entry(
            name: array.name + ".npy", bytes: NPYArray.bytes(shape: array.shape, values: array.values))
        })
    }
  }

  /// All parameters, by the names that they have in checkpoints too.
  private func arrays(in layout: TensorLayout) -> [ForeignTensor] {
    weights.weighted.flatMap { layer in
      [
        ForeignTensor(
          name: layer.name + ".weight", shape: layer.weightShape(in: layout),
          values: layer.weights(of: weights.values, in: layout)),
        ForeignTensor(
          name: layer.name + ".bias", shape: [layer.output.channels], values: layer.biases(of: weights.values)
        ),
      ]
    }
  }
}

/// Checks that a file may be written.
///
/// - Throws: kind `notCreatable` if there is one that is to stay.
func requireFree(_ path: String, replacing replaces: Bool) throws(FileError) {
  guard !replaces, FileManager.default.fileExists(atPath: path.literalPath) else { return }
  throw FileError(
    .notCreatable, "\(path) is there already: name another file with --out, or replace it with --force")
}
