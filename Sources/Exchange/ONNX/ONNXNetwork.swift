internal import Checkpoints
internal import Datasets
internal import Files
internal import Foundation
internal import Model
internal import SwiftProtobuf

/// A network and its weights out of an ONNX graph.
struct ONNXNetwork {
  let network: NetworkSpecification
  /// The parameters of its layers, in their order, in PyTorch's layout.
  let layers: [ForeignLayer]
  /// What the graph does to its input before the first layer.
  let scaling: AffineMap
  /// Whether its input are bytes.
  let takesBytes: Bool
  /// The shape of an image.
  let inputShape: Shape

  /// Reads a model's bytes; `path` is what errors call it. Images have the shape `images`, or that which the graph tells.
  ///
  /// - Throws: kind `malformed` if they are none, kind `different` if the graph is no network that Lockstep has.
  init(_ bytes: [UInt8], images: Shape?, path: String) throws(FileError) {
    let other = FileError(
      .malformed, "\(path): expected a model as safetensors, npz, ONNX, .keras or .h5, found other content")
    let model: ONNXModel
    do { model = try ONNXModel(serializedBytes: Data(bytes)) } catch { throw other }
    guard model.hasGraph, !model.graph.node.isEmpty else { throw other }
    let graph = model.graph
    let given = Set(graph.initializer.map(\.name))
    let inputs = graph.input.filter { !given.contains($0.name) }
    guard inputs.count == 1, let input = inputs.first else {
      throw FileError(
        .different, "\(path): expected a graph with one input, the images, found \(inputs.count)")
    }
    let extents = input.type.tensorType.shape.dim.map(\.dimValue)
    let told = extents.count == 4 ? extents.dropFirst(2).map { Int($0) } : []
    let isTold = told.allSatisfy { (1...SampleFormat.longestSide).contains($0) } && !told.isEmpty
    let shape = images ?? (isTold ? Shape(told[0], told[1], 1) : .mnist)
    let expected = [Int64(shape.channels), Int64(shape.height), Int64(shape.width)]
    guard extents.count == 4, zip(extents.dropFirst(), expected).allSatisfy({ $0 == $1 || $0 == 0 }) else {
      throw FileError(
        .different,
        "\(path): expected images [N, \(shape.channels), \(shape.height), \(shape.width)] as input, "
          + "found \(extents.map { $0 == 0 ? "N" : "\($0)" })")
    }
    var chain = ONNXChain(input: input.name, shape: shape, path: path)
    for tensor in graph.initializer { try chain.add(tensor) }
    for node in graph.node { try chain.add(node) }
    do throws(NetworkSpecificationError) {
      network = try NetworkSpecification(chain.layers.map(\.description).joined(separator: "; "))
      _ = try network.outputShapes(input: shape)
    } catch {
      throw FileError(.different, "\(path): its graph is no network that Lockstep has: \(error)")
    }
    inputShape = shape
    layers = chain.parameters
    scaling = chain.scaling
    takesBytes = input.type.tensorType.elemType == ONNXNumber.uint8.rawValue
  }
}

/// The nodes of a graph (onnx.ai/onnx/operators) read one after the other as a chain of layers, each of which takes what
/// the one before gave: as Lockstep writes them, or as PyTorch's exporters do.
private struct ONNXChain {
  private(set) var layers: [LayerSpecification] = []
  private(set) var parameters: [ForeignLayer] = []
  private(set) var scaling = AffineMap.identity

  /// A constant of the graph.
  private struct Constant {
    var shape: [Int]
    var values: [Double]
  }

  private let path: String
  private var constants: [String: Constant] = [:]
  /// Values that are computed from shapes alone.
  private var shapeValues: Set<String> = []
  /// What the last layer gave.
  private var current: String
  private var shape: Shape
  private var isFlat = false
  /// Whether the last layer is a product of matrices whose biases may still come.
  private var awaitsBias = false
  /// Whether the logits have become probabilities.
  private var isOver = false

  init(input: String, shape: Shape, path: String) {
    current = input
    self.shape = shape
    self.path = path
  }

  private func problem(_ clause: String) -> FileError { FileError(.different, "\(path): \(clause)") }

  /// Adds a constant.
  mutating func add(_ tensor: ONNXTensor) throws(FileError) { constants[tensor.name] = try constant(tensor) }

  private func constant(_ tensor: ONNXTensor) throws(FileError) -> Constant {
    guard tensor.dataLocation == 0 else {
      throw problem("'\(tensor.name)' lies in another file: export the model with its weights inside")
    }
    var count = 1
    for extent in tensor.dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard extent >= 0, !overflow else { throw problem("'\(tensor.name)' has the shape \(tensor.dims)") }
      count = product
    }
    let raw = tensor.rawData
    func numbers<Number: BitwiseCopyable>(
      _ type: Number.Type, _ value: (Number) -> Double
    ) -> [Double] {
      let size = MemoryLayout<Number>.size
      guard raw.count % size == 0 else { return [] }
      return raw.withUnsafeBytes { bytes in
        (0..<raw.count / size).map { value(bytes.loadUnaligned(fromByteOffset: size * $0, as: Number.self)) }
      }
    }
    let values: [Double]
    switch ONNXNumber(rawValue: tensor.dataType) {
    case .float: values = raw.isEmpty ? tensor.floatData.map(Double.init) : numbers(Float.self, Double.init)
    case .double: values = raw.isEmpty ? tensor.doubleData : numbers(Double.self) { $0 }
    case .int64: values = raw.isEmpty ? tensor.int64Data.map(Double.init) : numbers(Int64.self, Double.init)
    case .int32: values = raw.isEmpty ? tensor.int32Data.map(Double.init) : numbers(Int32.self, Double.init)
    case .uint8: values = raw.isEmpty ? tensor.int32Data.map(Double.init) : raw.map(Double.init)
    case .float16:
      values =
        raw.isEmpty
        ? tensor.int32Data.map { halfPrecision(UInt16(truncatingIfNeeded: $0)) }
        : numbers(UInt16.self, halfPrecision)
    case .bfloat16:
      func value(_ bits: UInt16) -> Double { Double(Float(bitPattern: UInt32(bits) << 16)) }
      values =
        raw.isEmpty
        ? tensor.int32Data.map { value(UInt16(truncatingIfNeeded: $0)) } : numbers(UInt16.self, value)
    case nil: values = []
    }
    guard values.count == count else {
      // Types without a use here, as of texts; whoever takes one is told.
      if ONNXNumber(rawValue: tensor.dataType) == nil { return Constant(shape: [], values: []) }
      throw problem("'\(tensor.name)' has the shape \(tensor.dims) and \(values.count) numbers")
    }
    return Constant(shape: tensor.dims.map { Int($0) }, values: values)
  }

  /// Adds a node.
  mutating func add(_ node: ONNXNode) throws(FileError) {
    let kind = node.opType
    let output = node.output.first ?? ""
    let inputs = node.input.filter { !$0.isEmpty }
    if kind == "Constant" {
      if let tensor = node.attribute.first(where: { $0.name == "value" })?.t {
        constants[output] = try constant(tensor)
      } else if let value = node.attribute.first {
        switch value.name {
        case "value_ints":
          constants[output] = Constant(shape: [value.ints.count], values: value.ints.map(Double.init))
        case "value_floats":
          constants[output] = Constant(shape: [value.floats.count], values: value.floats.map(Double.init))
        case "value_int": constants[output] = Constant(shape: [], values: [Double(value.i)])
        default: constants[output] = Constant(shape: [], values: [Double(value.f)])
        }
      }
      return
    }
    if kind == "Identity", let input = inputs.first, let value = constants[input] {
      constants[output] = value
      return
    }
    func isKnown(_ name: String) -> Bool { constants[name] != nil || shapeValues.contains(name) }
    if kind == "Shape" || (!inputs.isEmpty && inputs.allSatisfy(isKnown)) {
      shapeValues.insert(output)
      return
    }
    guard inputs.filter({ $0 == current }).count == 1,
      inputs.allSatisfy({ $0 == current || isKnown($0) })
    else { throw problem("its graph is no chain of layers: \(kind) '\(node.name)' takes \(inputs)") }
    guard !isOver else { throw problem("\(kind) '\(node.name)' stands behind the probabilities") }
    try append(node, kind, inputs)
    current = output
  }

  private mutating func append(_ node: ONNXNode, _ kind: String, _ inputs: [String]) throws(FileError) {
    let others = inputs.filter { $0 != current }
    let couldTakeBias = awaitsBias
    awaitsBias = false
    switch kind {
    case "Cast", "Identity": awaitsBias = couldTakeBias
    case "Mul", "Add", "Sub", "Div":
      if couldTakeBias, kind == "Add", let bias = others.first.flatMap({ constants[$0] }),
        bias.values.count == shape.channels
      {
        parameters[parameters.count - 1].biases = bias.values.map { Float($0) }
      } else {
        try scale(node, kind, others)
      }
    case "Conv": try convolve(node, others)
    case "Relu": layers.append(.relu)
    case "MaxPool":
      let (size, stride) = try window(node)
      try append(.maxPooling(size: size, stride: stride), node)
    case "GlobalAveragePool": try average(node)
    case "AveragePool":
      let attributes = Attributes(node)
      if shape.height != shape.width, attributes.ints("kernel_shape") == [shape.height, shape.width],
        (attributes.ints("pads") ?? []).allSatisfy({ $0 == 0 })
      {
        // A window over the whole image need not be square.
        try average(node)
      } else {
        let (size, stride) = try window(node)
        try append(.averagePooling(size: size, stride: stride), node)
      }
    case "ReduceMean":
      let axes = Attributes(node).ints("axes") ?? integers(others.first)
      guard Set((axes ?? []).map { $0 < 0 ? $0 + 4 : $0 }) == [2, 3], !isFlat else {
        throw problem("ReduceMean '\(node.name)' averages over other axes than height and width")
      }
      try average(node)
      isFlat = Attributes(node).int("keepdims") == 0
    case "Dropout":
      let given = others.first.flatMap { constants[$0]?.values.first }.map { Float($0) }
      let probability = given ?? Attributes(node).float("ratio") ?? 0.5
      guard probability >= 0, probability < 1 else {
        throw problem("Dropout '\(node.name)' has the ratio \(probability), expected one from 0 to below 1")
      }
      let isByChannel = node.name.hasPrefix(LayerSpecification.channelDropout(probability: 0).keyword)
      layers.append(
        isByChannel ? .channelDropout(probability: probability) : .dropout(probability: probability))
    case "Flatten":
      guard [1, nil].contains(Attributes(node).int("axis")) else {
        throw problem("Flatten '\(node.name)' has the axis \(Attributes(node).int("axis") ?? 1), expected 1")
      }
      isFlat = true
    case "Reshape", "Squeeze", "Unsqueeze": try reshape(node, kind, others)
    case "Gemm": try multiply(node, others)
    case "MatMul":
      guard let weights = others.first.flatMap({ constants[$0] }), node.input.first == current else {
        throw problem("MatMul '\(node.name)' has no constant weights as its second input")
      }
      try appendDense(node, weights, isTransposed: false, biases: nil)
      awaitsBias = true
    case "Softmax", "LogSoftmax": isOver = true
    default:
      throw problem(
        "its graph has an operation that no layer of Lockstep's does: \(kind) '\(node.name)'; layers are "
          + LayerSpecification.keywords.joined(separator: ", "))
    }
  }

  /// An operation with one number, in front of the first layer: part of how images are scaled.
  private mutating func scale(_ node: ONNXNode, _ kind: String, _ others: [String]) throws(FileError) {
    guard layers.isEmpty, others.count == 1, let constant = constants[others[0]], constant.values.count == 1,
      let value = constant.values.first, value.isFinite, value != 0 || kind == "Add" || kind == "Sub"
    else {
      throw problem(
        "\(kind) '\(node.name)' is neither a dense layer's bias nor scales images by one number before the "
          + "first layer")
    }
    let isFirst = node.input.first == current
    switch kind {
    case "Mul": scaling = AffineMap(scale: value, offset: 0).after(scaling)
    case "Add": scaling = AffineMap(scale: 1, offset: value).after(scaling)
    case "Sub":
      scaling = AffineMap(scale: isFirst ? 1 : -1, offset: isFirst ? -value : value).after(scaling)
    default:
      guard isFirst else { throw problem("Div '\(node.name)' divides by the image") }
      scaling = AffineMap(scale: 1 / value, offset: 0).after(scaling)
    }
  }

  private mutating func convolve(_ node: ONNXNode, _ others: [String]) throws(FileError) {
    let attributes = Attributes(node)
    guard let weights = others.first.flatMap({ constants[$0] }), weights.shape.count == 4,
      weights.shape[2] == weights.shape[3], weights.shape[1] == shape.channels, !isFlat
    else {
      throw problem(
        "Conv '\(node.name)' has no constant weights [out, \(shape.channels), k, k], as its input would "
          + "have it")
    }
    let kernel = weights.shape[2]
    let strides = attributes.ints("strides") ?? [1, 1]
    guard attributes.int("group") ?? 1 == 1, (attributes.ints("dilations") ?? [1]).allSatisfy({ $0 == 1 }),
      strides.count == 2, strides[0] == strides[1], (1...2).contains(strides[0]), kernel % 2 == 1
    else {
      throw problem(
        "Conv '\(node.name)' has groups, dilations, strides or a kernel that no layer of Lockstep's has: "
          + "expected one group, no dilation, a stride of 1 or 2, an odd square kernel")
    }
    let pads = attributes.ints("pads") ?? [0, 0, 0, 0]
    let same = Padding.same.zeros(kernel: kernel, stride: strides[0], input: shape)
    let padding: Padding
    switch attributes.string("auto_pad") ?? "NOTSET" {
    case "NOTSET" where pads.allSatisfy { $0 == 0 }: padding = .valid
    case "NOTSET" where pads == same: padding = .same
    case "VALID": padding = .valid
    case "SAME_UPPER": padding = .same
    case let other:
      throw problem(
        "Conv '\(node.name)' pads its input by \(other == "NOTSET" ? "\(pads)" : other), expected no padding or "
          + "'same', here \(same)")
    }
    try append(
      .convolution(channels: weights.shape[0], kernel: kernel, stride: strides[0], padding: padding), node)
    parameters.append(
      ForeignLayer(
        name: node.name, shape: weights.shape, weights: weights.values.map { Float($0) },
        biases: others.dropFirst().first.flatMap { constants[$0] }?.values.map { Float($0) }))
  }

  /// The size and the stride of the square windows that a pooling goes over.
  private func window(_ node: ONNXNode) throws(FileError) -> (size: Int, stride: Int) {
    let attributes = Attributes(node)
    let size = attributes.ints("kernel_shape") ?? []
    let strides = attributes.ints("strides") ?? [1, 1]
    let allowed = 1...SampleFormat.longestSide
    guard size.count == 2, size[0] == size[1], strides.count == 2, strides[0] == strides[1],
      allowed.contains(size[0]), allowed.contains(strides[0]),
      (attributes.ints("pads") ?? []).allSatisfy({ $0 == 0 }), attributes.int("ceil_mode") ?? 0 == 0,
      (attributes.ints("dilations") ?? []).allSatisfy({ $0 == 1 }),
      ["NOTSET", "VALID"].contains(attributes.string("auto_pad") ?? "NOTSET"), !isFlat
    else {
      throw problem(
        "\(node.opType) '\(node.name)' is not over square windows without padding, dilation and ceil_mode")
    }
    return (size[0], strides[0])
  }

  private mutating func average(_ node: ONNXNode) throws(FileError) {
    guard !isFlat else { throw problem("\(node.opType) '\(node.name)' takes no images") }
    try append(.globalAverage, node)
  }

  /// Reshaping that only flattens images, or gives features an extent of 1 × 1.
  private mutating func reshape(_ node: ONNXNode, _ kind: String, _ others: [String]) throws(FileError) {
    let target = integers(others.first)
    let isPoint = shape.height == 1 && shape.width == 1
    switch kind {
    case "Squeeze" where isPoint: isFlat = true
    case "Unsqueeze" where isFlat: isFlat = false
    case "Reshape":
      // A shape that is computed is that of x.view(x.size(0), -1).
      guard let target else {
        isFlat = true
        return
      }
      if target.count == 2, [shape.count, -1].contains(target[1]) {
        isFlat = true
      } else if target.count == 4,
        target.dropFirst().elementsEqual([shape.channels, shape.height, shape.width])
      {
        isFlat = false
      } else {
        throw problem("Reshape '\(node.name)' does more than flatten: its shape is \(target)")
      }
    default: throw problem("\(kind) '\(node.name)' does more than flatten")
    }
  }

  private mutating func multiply(_ node: ONNXNode, _ others: [String]) throws(FileError) {
    let attributes = Attributes(node)
    guard let weights = others.first.flatMap({ constants[$0] }), node.input.first == current,
      attributes.float("alpha") ?? 1 == 1, attributes.float("beta") ?? 1 == 1,
      attributes.int("transA") ?? 0 == 0
    else {
      throw problem(
        "Gemm '\(node.name)' has no constant weights as its second input, or factors other than 1")
    }
    try appendDense(
      node, weights, isTransposed: attributes.int("transB") ?? 0 != 0,
      biases: others.dropFirst().first.flatMap { constants[$0] }?.values)
  }

  private mutating func appendDense(
    _ node: ONNXNode, _ weights: Constant, isTransposed: Bool, biases: [Double]?
  ) throws(FileError) {
    let inputs = isTransposed ? weights.shape.last : weights.shape.first
    let isPoint = shape.height == 1 && shape.width == 1
    guard weights.shape.count == 2, inputs == shape.count, isFlat || isPoint else {
      throw problem(
        "\(node.opType) '\(node.name)' has weights \(weights.shape) for \(shape.count) flattened inputs")
    }
    let features = isTransposed ? weights.shape[0] : weights.shape[1]
    let rows = shape.count
    let values = weights.values.map { Float($0) }
    let transposed =
      isTransposed ? values : (0..<values.count).map { values[$0 % rows * features + $0 / rows] }
    try append(.dense(features: features), node)
    isFlat = true
    parameters.append(
      ForeignLayer(
        name: node.name, shape: [features, rows], weights: transposed, biases: biases?.map { Float($0) }))
  }

  /// A constant as whole numbers, as of a shape or of axes; nil if there is none, or none of such numbers.
  private func integers(_ name: String?) -> [Int]? {
    let values = name.flatMap { constants[$0] }?.values
    let integers = values?.compactMap { Int(exactly: $0) }
    return integers?.count == values?.count ? integers : nil
  }

  private mutating func append(_ layer: LayerSpecification, _ node: ONNXNode) throws(FileError) {
    guard let output = layer.outputShape(for: shape), output.count > 0 else {
      throw problem("\(node.opType) '\(node.name)' does not fit an input of \(shape)")
    }
    layers.append(layer)
    shape = output
  }
}

/// A node's attributes by their names.
private struct Attributes {
  private let node: ONNXNode

  init(_ node: ONNXNode) { self.node = node }

  private subscript(name: String) -> ONNXAttribute? { node.attribute.first { $0.name == name } }

  func int(_ name: String) -> Int? { self[name].map { Int($0.i) } }
  func float(_ name: String) -> Float? { self[name].map(\.f) }
  func ints(_ name: String) -> [Int]? { self[name].map { $0.ints.map { Int($0) } } }
  func string(_ name: String) -> String? { self[name].map { String(decoding: $0.s, as: UTF8.self) } }
}
