internal import Datasets
internal import Files
internal import Foundation
internal import Model

/// A network out of the configuration that Keras keeps of a Sequential model (keras.io/api/layers).
struct KerasNetwork {
  /// A layer with weights.
  struct Weighted {
    /// The kinds that there are, as Keras calls their groups of weights.
    static let kinds = ["conv2d", "dense"]

    let kind: String
    let name: String
  }

  let network: NetworkSpecification
  let weighted: [Weighted]
  /// What Rescaling layers do to pixels before the first layer.
  let scaling: AffineMap
  /// Whether there are any: then the model takes pixels as they are.
  let scalesPixels: Bool
  /// The shape of an image.
  let inputShape: Shape

  /// Reads the configuration; `path` is what errors call the model. Images have the shape `images`, or that which the model
  /// tells.
  ///
  /// - Throws: kind `malformed` if it is none, kind `different` if the model is no network that Lockstep has.
  init(json: [UInt8], images: Shape?, path: String) throws(FileError) {
    guard let model = (try? JSONSerialization.jsonObject(with: Data(json))) as? [String: Any],
      let kind = model["class_name"] as? String, let config = model["config"] as? [String: Any]
    else { throw FileError(.malformed, "\(path): expected Keras's description of a model as JSON") }
    guard kind == "Sequential", let layers = config["layers"] as? [[String: Any]] else {
      throw FileError(
        .different,
        "\(path): expected a Sequential model, found \(kind): export it as ONNX (model.export with format=\"onnx\")"
      )
    }
    var chain = KerasChain(images: images, path: path)
    for layer in layers { try chain.add(KerasLayer(layer, path: path)) }
    do throws(NetworkSpecificationError) {
      network = try NetworkSpecification(chain.layers.map(\.description).joined(separator: "; "))
      _ = try network.outputShapes(input: chain.inputShape)
    } catch {
      throw FileError(.different, "\(path): it is no network that Lockstep has: \(error)")
    }
    weighted = chain.weighted
    (scaling, scalesPixels) = (chain.scaling ?? .identity, chain.scaling != nil)
    inputShape = chain.inputShape
  }
}

/// A layer as Keras describes it.
private struct KerasLayer {
  let kind: String
  let name: String
  private let config: [String: Any]
  private let path: String

  init(_ json: [String: Any], path: String) throws(FileError) {
    guard let kind = json["class_name"] as? String, let config = json["config"] as? [String: Any] else {
      throw FileError(.malformed, "\(path): expected layers with class_name and config, found another one")
    }
    (self.kind, self.config, self.path) = (kind, config, path)
    name = config["name"] as? String ?? kind
  }

  /// As in `Conv2D 'conv2d_1'`.
  var title: String { "\(kind) '\(name)'" }

  func problem(_ clause: String) -> FileError { FileError(.different, "\(path): \(title) \(clause)") }

  /// A number that there must be.
  func number(_ key: String) throws(FileError) -> Double {
    guard let value = config[key] as? NSNumber else { throw problem("has no number as \(key)") }
    return value.doubleValue
  }

  /// A number, or `other` where there is none.
  func number(_ key: String, or other: Double) throws(FileError) -> Double {
    isThere(key) ? try number(key) : other
  }

  func count(_ key: String) throws(FileError) -> Int {
    let value = try number(key)
    guard value >= 1, let count = Int(exactly: value) else {
      throw problem("has \(key) \(value), expected a whole number")
    }
    return count
  }

  /// The number that both extents of an image have in common: 3 of [3, 3]; nil where there is none.
  func extent(_ key: String) throws(FileError) -> Int? {
    guard isThere(key) else { return nil }
    let values = (config[key] as? [Any] ?? [config[key] ?? 0, config[key] ?? 0]).map { $0 as? Int ?? 0 }
    guard values.count == 2, values[0] == values[1], values[0] > 0 else {
      throw problem("has \(key) \(values), expected the same in both directions")
    }
    return values[0]
  }

  func text(_ key: String, or other: String) -> String { config[key] as? String ?? other }

  func flag(_ key: String, or other: Bool) -> Bool { config[key] as? Bool ?? other }

  /// Extents, without the first one: that of the batch.
  func shape(_ keys: String...) -> [Int]? {
    keys.lazy.compactMap { config[$0] as? [Any] }.first.map { $0.dropFirst().map { $0 as? Int ?? -1 } }
  }

  /// All extents.
  func extents(_ key: String) -> [Int] { (config[key] as? [Any] ?? []).map { $0 as? Int ?? 0 } }

  /// The function behind it, `linear` being none.
  var activation: String {
    if let object = config["activation"] as? [String: Any] {
      return (object["config"] as? String) ?? (object["class_name"] as? String) ?? "unknown"
    }
    return text("activation", or: "linear")
  }

  func isThere(_ key: String) -> Bool { config[key].map { !($0 is NSNull) } ?? false }

  /// Checks that images are channels last, as Lockstep's are.
  func requireChannelsLast() throws(FileError) {
    guard text("data_format", or: "channels_last") == "channels_last" else {
      throw problem("takes images channels first, expected channels last")
    }
  }
}

/// A Sequential model's layers, one after the other.
private struct KerasChain {
  private(set) var layers: [LayerSpecification] = []
  private(set) var weighted: [KerasNetwork.Weighted] = []
  /// nil without Rescaling.
  private(set) var scaling: AffineMap?
  private(set) var inputShape: Shape

  private let images: Shape?
  private let path: String
  /// What the last layer gave.
  private var shape: Shape
  /// Whether that is a vector to Keras, or an image.
  private var isFlat = false
  /// Whether the logits have become probabilities.
  private var isOver = false
  private var isFirst = true

  init(images: Shape?, path: String) {
    (self.images, self.path) = (images, path)
    inputShape = images ?? .mnist
    shape = inputShape
  }

  /// Adds a layer.
  ///
  /// - Throws: kind `different` if no layer of Lockstep's does the same.
  mutating func add(_ layer: KerasLayer) throws(FileError) {
    if isFirst, let told = layer.shape("batch_shape", "batch_input_shape") { try begin(told, layer) }
    isFirst = false
    guard !isOver || layer.kind == "Dropout" else { throw layer.problem("stands behind the probabilities") }
    switch layer.kind {
    case "InputLayer",
      "Dropout" where isOver:
      break
    case "Rescaling": try rescale(layer)
    case "Flatten":
      try layer.requireChannelsLast()
      isFlat = true
    case "Reshape": try reshape(layer)
    case "Conv2D": try convolve(layer)
    case "MaxPooling2D": try pool(layer) { .maxPooling(size: $0, stride: $1) }
    case "AveragePooling2D": try pool(layer) { .averagePooling(size: $0, stride: $1) }
    case "GlobalAveragePooling2D":
      try layer.requireChannelsLast()
      try requireImage(layer)
      append(.globalAverage)
      isFlat = !layer.flag("keepdims", or: false)
    case "Dense": try multiply(layer)
    case "Dropout": append(.dropout(probability: Float(try layer.number("rate"))))
    case "SpatialDropout2D":
      try layer.requireChannelsLast()
      append(.channelDropout(probability: Float(try layer.number("rate"))))
    case "Activation": try activate(layer)
    case "ReLU": try rectify(layer)
    case "Softmax": isOver = true
    default: throw layer.problem("is a layer that Lockstep does not have")
    }
  }

  private mutating func append(_ layer: LayerSpecification) {
    layers.append(layer)
    // What does not fit is said of the whole network.
    shape = layer.outputShape(for: shape) ?? shape
  }

  /// Takes the shape of the model's input: an image with or without its one channel, or a vector of its pixels.
  private mutating func begin(_ told: [Int], _ layer: KerasLayer) throws(FileError) {
    let sides = told.count == 3 && told[2] == 1 ? Array(told.prefix(2)) : told
    if images == nil, sides.count == 2, sides.allSatisfy({ (1...SampleFormat.longestSide).contains($0) }) {
      inputShape = Shape(sides[0], sides[1], 1)
      shape = inputShape
    }
    isFlat = told.count == 1
    let expected = isFlat ? [inputShape.count] : [inputShape.height, inputShape.width]
    guard sides.count == expected.count, zip(sides, expected).allSatisfy({ $0 == $1 || $0 == -1 }) else {
      let text = told.map { $0 < 0 ? "any" : "\($0)" }.joined(separator: " × ")
      throw layer.problem("takes \(text), expected grey images of \(inputShape.height) × \(inputShape.width)")
    }
  }

  private func requireImage(_ layer: KerasLayer) throws(FileError) {
    guard !isFlat else { throw layer.problem("takes a vector, expected an image") }
  }

  private mutating func rescale(_ layer: KerasLayer) throws(FileError) {
    guard layers.isEmpty else { throw layer.problem("stands behind other layers, expected before them") }
    let map = AffineMap(scale: try layer.number("scale"), offset: try layer.number("offset", or: 0))
    scaling = map.after(scaling ?? .identity)
  }

  private mutating func reshape(_ layer: KerasLayer) throws(FileError) {
    let target = layer.extents("target_shape")
    if target.count == 1, target[0] == -1 || target[0] == shape.count {
      isFlat = true
    } else if target == [shape.height, shape.width, shape.channels]
      || target == [-1, shape.width, shape.channels]
    {
      isFlat = false
    } else {
      throw layer.problem("makes \(target) of \(shape), expected a vector or the image that it was")
    }
  }

  private mutating func convolve(_ layer: KerasLayer) throws(FileError) {
    try layer.requireChannelsLast()
    try requireImage(layer)
    guard let kernel = try layer.extent("kernel_size"), let stride = try layer.extent("strides") else {
      throw layer.problem("has no kernel_size or no strides")
    }
    guard try layer.extent("dilation_rate") ?? 1 == 1, try layer.number("groups", or: 1) == 1 else {
      throw layer.problem("is dilated or in groups, which no layer of Lockstep's is")
    }
    let padding = layer.text("padding", or: "valid")
    guard let padding = Padding(rawValue: padding) else { throw layer.problem("has padding '\(padding)'") }
    weighted.append(KerasNetwork.Weighted(kind: "conv2d", name: layer.name))
    append(
      .convolution(channels: try layer.count("filters"), kernel: kernel, stride: stride, padding: padding))
    try activate(layer)
  }

  private mutating func pool(
    _ layer: KerasLayer, _ kind: (_ size: Int, _ stride: Int) -> LayerSpecification
  ) throws(FileError) {
    try layer.requireChannelsLast()
    try requireImage(layer)
    guard let size = try layer.extent("pool_size") else { throw layer.problem("has no pool_size") }
    let stride = try layer.extent("strides") ?? size
    // The same, where windows fill the image.
    let isFilled = size == stride && [shape.height, shape.width].allSatisfy { $0.isMultiple(of: size) }
    guard layer.text("padding", or: "valid") == "valid" || isFilled else {
      throw layer.problem("has padding 'same' on \(shape), expected 'valid'")
    }
    append(kind(size, stride))
  }

  private mutating func multiply(_ layer: KerasLayer) throws(FileError) {
    guard isFlat || (shape.height == 1 && shape.width == 1) else {
      throw layer.problem("takes an image of \(shape), expected a vector: Flatten is missing before it")
    }
    weighted.append(KerasNetwork.Weighted(kind: "dense", name: layer.name))
    append(.dense(features: try layer.count("units")))
    try activate(layer)
  }

  private mutating func activate(_ layer: KerasLayer) throws(FileError) {
    switch layer.activation {
    case "linear": break
    case "relu": append(.relu)
    case "softmax": isOver = true
    case let other:
      throw layer.problem("has the activation '\(other)', expected relu, linear, or softmax at the end")
    }
  }

  private mutating func rectify(_ layer: KerasLayer) throws(FileError) {
    guard !layer.isThere("max_value"), try layer.number("negative_slope", or: 0) == 0,
      try layer.number("threshold", or: 0) == 0
    else { throw layer.problem("is more than max(x, 0), which no layer of Lockstep's is") }
    append(.relu)
  }
}
