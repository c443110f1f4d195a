internal import Checkpoints
internal import Files
internal import Foundation
internal import Inference
internal import Model

/// A layer's parameters as another program keeps them.
struct ForeignLayer {
  /// What that program calls the layer.
  var name: String
  /// The shape of the weights.
  var shape: [Int]
  var weights: [Float]
  /// nil for a layer without any.
  var biases: [Float]?
}

/// A tensor of another program.
struct ForeignTensor {
  var name: String
  var shape: [Int]
  var values: [Float]
}

extension ForeignLayer {
  /// Puts tensors together to layers, in the natural order of their names (`conv2` before `conv10`).
  ///
  /// `NAME.weight` and `NAME.bias` belong together, also with Keras's `kernel`; names that say nothing, as `arr_0`,
  /// stand in order, each tensor of one dimension being the biases of the weights before it.
  ///
  /// - Throws: kind `different` if there are biases without weights. `path` is what the error calls the file.
  static func layers(of tensors: [ForeignTensor], path: String) throws(FileError) -> [ForeignLayer] {
    let sorted = tensors.sorted { $0.name.compare($1.name, options: .numeric) == .orderedAscending }
    var layers: [ForeignLayer] = []
    var biases: [(layer: String, tensor: ForeignTensor)] = []
    for tensor in sorted {
      let (layer, role) = parts(of: tensor.name)
      switch role {
      case .weight:
        layers.append(ForeignLayer(name: layer, shape: tensor.shape, weights: tensor.values))
      case .bias: biases.append((layer, tensor))
      case nil:
        if tensor.shape.count > 1 {
          layers.append(ForeignLayer(name: tensor.name, shape: tensor.shape, weights: tensor.values))
        } else {
          biases.append((layers.last?.name ?? "", tensor))
        }
      }
    }
    for (layer, tensor) in biases {
      guard let index = layers.firstIndex(where: { $0.name == layer && $0.biases == nil }) else {
        throw FileError(
          .different,
          "\(path): expected the weights that '\(tensor.name)' \(tensor.shape) belongs to, found none")
      }
      layers[index].biases = tensor.values
    }
    return layers
  }

  private enum Role {
    case weight
    case bias
  }

  /// A tensor's layer, and what it is to it.
  private static func parts(of name: String) -> (layer: String, role: Role?) {
    guard let end = name.lastIndex(where: { $0 == "." || $0 == "/" }) else { return (name, nil) }
    let word = name[name.index(after: end)...].split(separator: ":").first ?? ""
    switch word {
    case "weight", "kernel": return (String(name[..<end]), .weight)
    case "bias": return (String(name[..<end]), .bias)
    default: return (name, nil)
    }
  }
}

extension ModelWeights {
  /// Takes over parameters, one foreign layer for each of the network's layers that has any, and returns the names of the
  /// foreign layers by those.
  ///
  /// `names` are the foreign layers in the network's order; without them each layer takes the first one left, in natural
  /// order, whose weights have its shape. All must find a place.
  ///
  /// - Throws: kind `different`, naming the layer or what is left over, or `malformed` for values that are no numbers.
  mutating func take(
    _ foreign: [ForeignLayer], in layout: TensorLayout, names: [String]?, path: String
  ) throws(FileError) -> [(layer: String, from: ForeignLayer)] {
    var rest = foreign
    var taken: [(layer: String, from: ForeignLayer)] = []
    if let names, names.count != weighted.count {
      throw FileError(
        .different,
        "\(path): expected names for the \(weighted.count) layers with weights, found \(names.count)")
    }
    for (index, layer) in weighted.enumerated() {
      let shape = layer.weightShape(in: layout)
      let place = rest.firstIndex { other in
        other.shape == shape && names.map { $0[index] == other.name } ?? true
      }
      guard let place else {
        let words =
          rest.prefix(4).map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
          + (rest.count > 4 ? ", …" : "")
        let name = names.map { " called '\($0[index])'" } ?? ""
        throw FileError(
          .different,
          "\(path): expected weights \(shape)\(name) for the layer \(layer.name) ('\(layer.specification)') in "
            + "the layout of \(layout.rawValue), found \(rest.isEmpty ? "none" : words)")
      }
      let other = rest.remove(at: place)
      let biases = other.biases ?? [Float](repeating: 0, count: shape.isEmpty ? 0 : layer.output.channels)
      guard let bias = layer.bias, biases.count == bias.count else {
        throw FileError(
          .different,
          "\(path): expected \(layer.output.channels) biases for \(other.name), found \(biases.count)")
      }
      guard other.weights.allSatisfy(\.isFinite), biases.allSatisfy(\.isFinite) else {
        throw FileError(.malformed, "\(path): \(other.name) has values that are not finite")
      }
      layer.put(weights: other.weights, in: layout, into: &values)
      values.replaceSubrange(bias.range, with: biases)
      taken.append((layer.name, other))
    }
    guard rest.isEmpty else {
      throw FileError(
        .different,
        "\(path): the network '\(network)' has no layer for "
          + rest.map { "\($0.name) \($0.shape)" }.joined(separator: ", "))
    }
    return taken
  }
}
