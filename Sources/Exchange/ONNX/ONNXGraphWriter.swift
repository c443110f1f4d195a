internal import Foundation
internal import Inference
internal import Model
internal import SwiftProtobuf

/// Writes a network as an ONNX graph (onnx.ai/onnx/operators, opset 13).
///
/// It takes `pixels`, uint8 [N, 1, height, width] with 0 for background, and scales them itself; it gives `logits` and
/// `probabilities`, float [N, classes]. N is free.
struct ONNXGraphWriter {
  private var graph = ONNXGraph()
  /// The name of the value that the last node gave.
  private var current = "pixels"
  /// Whether that value is [N, features] and no longer [N, channels, height, width].
  private var isFlat = false

  /// The bytes of a model file.
  static func bytes(of model: ModelWeights, metadata: [String: String], version: String) -> [UInt8] {
    var writer = Self()
    writer.write(model)
    var file = ONNXModel()
    file.irVersion = 7
    file.producerName = "lockstep"
    file.producerVersion = version
    var operators = ONNXOperatorSet()
    operators.version = 13
    file.opsetImport = [operators]
    file.graph = writer.graph
    file.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
      var entry = ONNXEntry()
      (entry.key, entry.value) = (key, value)
      return entry
    }
    do {
      return try file.serializedBytes()
    } catch {
      preconditionFailure("an ONNX model of numbers and names cannot be encoded: \(error)")
    }
  }

  private mutating func write(_ model: ModelWeights) {
    let shape = model.inputShape
    graph.name = "lockstep"
    graph.input = [
      Self.value(
        "pixels", .uint8, [nil, Int64(shape.channels), Int64(shape.height), Int64(shape.width)])
    ]
    append("Cast", giving: "pixels.float", attributes: [Self.attribute("to", ONNXNumber.float.rawValue)])
    append("Mul", [tensor("pixels.scale", [], [InputPreparation.scale])], giving: "pixels.scaled")
    append("Add", [tensor("pixels.offset", [], [InputPreparation.offset])], giving: "input")
    let last = model.layers.last?.name
    for layer in model.layers {
      append(layer, of: model, giving: layer.name == last ? "logits" : layer.name)
    }
    append("Softmax", giving: "probabilities", attributes: [Self.attribute("axis", 1)])
    let classes = Int64(model.classCount)
    graph.output = ["logits", "probabilities"].map { Self.value($0, .float, [nil, classes]) }
  }

  private mutating func append(_ layer: ModelWeights.Layer, of model: ModelWeights, giving name: String) {
    switch layer.specification {
    case .convolution(_, let kernel, let stride, let padding):
      unflatten(layer)
      append(
        "Conv", parameters(of: layer, model), giving: name,
        attributes: [
          Self.attribute("kernel_shape", [kernel, kernel]), Self.attribute("strides", [stride, stride]),
          Self.attribute("pads", padding.zeros(kernel: kernel, stride: stride, input: layer.input)),
        ])
    case .maxPooling(let size, let stride):
      pool("MaxPool", layer, size: size, stride: stride, giving: name)
    case .averagePooling(let size, let stride):
      pool("AveragePool", layer, size: size, stride: stride, giving: name)
    case .relu: append("Relu", giving: name)
    // ONNX knows no dropout of channels, and in inference there is nothing to tell apart: the name tells.
    case .dropout(let probability), .channelDropout(let probability):
      append("Dropout", [tensor(layer.name + ".ratio", [], [probability])], giving: name)
    case .globalAverage:
      unflatten(layer)
      append("GlobalAveragePool", giving: name)
    case .dense:
      if !isFlat {
        append("Flatten", giving: layer.name + ".flat", attributes: [Self.attribute("axis", 1)])
        isFlat = true
      }
      append("Gemm", parameters(of: layer, model), giving: name, attributes: [Self.attribute("transB", 1)])
    }
  }

  private mutating func pool(
    _ operation: String, _ layer: ModelWeights.Layer, size: Int, stride: Int, giving name: String
  ) {
    unflatten(layer)
    append(
      operation, giving: name,
      attributes: [
        Self.attribute("kernel_shape", [size, size]), Self.attribute("strides", [stride, stride]),
      ])
  }

  /// Gives features an extent again, where a layer of images follows a dense one.
  private mutating func unflatten(_ layer: ModelWeights.Layer) {
    guard isFlat else { return }
    var shape = ONNXTensor()
    shape.name = layer.name + ".shape"
    shape.dims = [4]
    shape.dataType = ONNXNumber.int64.rawValue
    shape.int64Data = [-1, Int64(layer.input.channels), 1, 1]
    graph.initializer.append(shape)
    append("Reshape", [shape.name], giving: layer.name + ".input")
    isFlat = false
  }

  private mutating func parameters(of layer: ModelWeights.Layer, _ model: ModelWeights) -> [String] {
    let biases = layer.biases(of: model.values)
    return [
      tensor(
        layer.name + ".weight", layer.weightShape(in: .pytorch),
        layer.weights(of: model.values, in: .pytorch)),
      tensor(layer.name + ".bias", [biases.count], biases),
    ]
  }

  /// Adds a constant and returns its name.
  private mutating func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> String {
    var tensor = ONNXTensor()
    tensor.name = name
    tensor.dims = shape.map(Int64.init)
    tensor.dataType = ONNXNumber.float.rawValue
    tensor.rawData = values.withUnsafeBytes { Data($0) }
    graph.initializer.append(tensor)
    return name
  }

  /// Adds an operation on the value that the last one gave, and on constants.
  private mutating func append(
    _ operation: String, _ constants: [String] = [], giving name: String, attributes: [ONNXAttribute] = []
  ) {
    var node = ONNXNode()
    node.opType = operation
    node.name = name
    node.input = [current] + constants
    node.output = [name]
    node.attribute = attributes
    graph.node.append(node)
    current = name
  }

  private static func attribute(_ name: String, _ value: Int32) -> ONNXAttribute {
    var attribute = ONNXAttribute()
    (attribute.name, attribute.i, attribute.type) = (name, Int64(value), 2)
    return attribute
  }

  private static func attribute(_ name: String, _ values: [Int]) -> ONNXAttribute {
    var attribute = ONNXAttribute()
    (attribute.name, attribute.ints, attribute.type) = (name, values.map(Int64.init), 7)
    return attribute
  }

  /// A value that goes in or out; nil is an extent that is free.
  private static func value(_ name: String, _ type: ONNXNumber, _ shape: [Int64?]) -> ONNXValueInfo {
    var value = ONNXValueInfo()
    value.name = name
    value.type.tensorType.elemType = type.rawValue
    value.type.tensorType.shape.dim = shape.map { extent in
      var dimension = ONNXShape.Dimension()
      if let extent { dimension.dimValue = extent } else { dimension.dimParam = "N" }
      return dimension
    }
    return value
  }
}

/// Types of numbers, by their numbers in ONNX's `TensorProto.DataType`.
enum ONNXNumber: Int32 {
  case float = 1
  case uint8 = 2
  case int32 = 6
  case int64 = 7
  case float16 = 10
  case double = 11
  case bfloat16 = 16
}

extension Padding {
  /// The rows and columns of zeros around an image: above, left, below, right.
  func zeros(kernel: Int, stride: Int, input: Shape) -> [Int] {
    func around(_ extent: Int) -> (before: Int, behind: Int) {
      guard self == .same else { return (0, 0) }
      let output = (extent + stride - 1) / stride
      let all = max((output - 1) * stride + kernel - extent, 0)
      return (all / 2, all - all / 2)
    }
    let (rows, columns) = (around(input.height), around(input.width))
    return [rows.before, columns.before, rows.behind, columns.behind]
  }
}
