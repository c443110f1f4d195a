/// The layers of a network as they run, with the layout of their parameters.
///
/// A specification's `conv; relu; maxpool` and `conv; maxpool; relu` both run as convolution, pooling, bias and
/// ReLU (`BiasActivation` says why they commute).
struct NetworkPlan {
  private(set) var layers: [any Layer] = []
  private(set) var tensors: [ParameterTensor] = []
  private let capacity: Int
  private var shape: Shape
  private var countOfKind: [String: Int] = [:]

  init(_ specification: NetworkSpecification, input: Shape, capacity: Int) {
    self.capacity = capacity
    shape = input
    var rest = specification.layers[...]
    let lastWithWeights = specification.layers.lastIndex { $0.parameterCount(for: input) > 0 }
    while let layer = rest.first {
      let isLast = rest.startIndex == lastWithWeights
      rest = rest.dropFirst()
      append(layer, isLastWithWeights: isLast, rest: &rest)
    }
  }

  private mutating func append(
    _ layer: LayerSpecification, isLastWithWeights: Bool, rest: inout ArraySlice<LayerSpecification>
  ) {
    guard let output = layer.outputShape(for: shape) else {
      preconditionFailure("\(layer) does not fit \(shape); outputShapes(input:) checks that")
    }
    let name = self.name(layer)
    switch layer {
    case .convolution(_, let kernel, let stride, let padding):
      let (weights, bias) = tensors(
        of: name, weightShape: [kernel, kernel, shape.channels, output.channels], isLast: isLastWithWeights)
      if WinogradConvolution.suits(kernel: kernel, stride: stride, input: shape, output: output) {
        let pooling = takePooling(rest: &rest)
        layers.append(
          WinogradConvolution(
            name: name + (pooling.map { ", " + $0 } ?? ""), input: shape, output: output, padding: padding,
            pools: pooling != nil, weights: weights, capacity: capacity))
        shape = layers.last?.outputShape ?? output
      } else {
        layers.append(
          Convolution(
            name: name, input: shape, output: output, kernel: kernel, stride: stride, padding: padding,
            weights: weights, capacity: capacity))
        shape = output
      }
      appendActivation(bias: bias, rest: &rest)
    case .dense:
      let (weights, bias) = tensors(
        of: name, weightShape: [shape.count, output.count], isLast: isLastWithWeights)
      layers.append(Dense(name: name, input: shape, output: output, weights: weights))
      shape = output
      appendActivation(bias: bias, rest: &rest)
    case .maxPooling(let size, let stride):
      layers.append(
        MaxPooling(
          name: name, input: shape, output: output, size: size, stride: stride, capacity: capacity))
      shape = output
    case .averagePooling(let size, let stride):
      layers.append(AveragePooling(name: name, input: shape, output: output, size: size, stride: stride))
      shape = output
    case .relu: layers.append(BiasActivation(name: name, shape: shape, bias: nil, rectifies: true))
    case .dropout(let probability):
      layers.append(
        Dropout(
          name: name, shape: shape, index: countOfKind["dropout", default: 1], probability: probability,
          capacity: capacity))
    case .channelDropout(let probability):
      layers.append(
        ChannelDropout(
          name: name, shape: shape, index: countOfKind[layer.keyword, default: 1], probability: probability,
          capacity: capacity))
    case .globalAverage:
      layers.append(GlobalAverage(name: name, input: shape))
      shape = output
    }
  }

  /// Appends a layer's bias with the ReLU behind it, if any, and the max pooling around that one first.
  private mutating func appendActivation(bias: ParameterTensor, rest: inout ArraySlice<LayerSpecification>) {
    var rectifies = false
    if rest.first == .relu {
      rectifies = true
      rest = rest.dropFirst()
    }
    if case .maxPooling? = rest.first, let pooling = rest.first, pooling.outputShape(for: shape) != nil {
      rest = rest.dropFirst()
      append(pooling, isLastWithWeights: false, rest: &rest)
      if !rectifies, rest.first == .relu {
        rectifies = true
        rest = rest.dropFirst()
      }
    }
    let name = bias.name.split(separator: ".").first.map(String.init) ?? bias.name
    layers.append(
      BiasActivation(
        name: name + (rectifies ? " bias, relu" : " bias"), shape: shape, bias: bias, rectifies: rectifies))
  }

  /// Takes the max pooling of 2×2 windows, 2 apart, behind a convolution or behind the ReLU that follows it, and leaves
  /// the ReLU; the pooling's name, or nil if there is no such one.
  private mutating func takePooling(rest: inout ArraySlice<LayerSpecification>) -> String? {
    let pooling = LayerSpecification.maxPooling(size: 2, stride: 2)
    let second = rest.index(after: rest.startIndex)
    if rest.first == .relu, rest.indices.contains(second), rest[second] == pooling {
      rest.swapAt(rest.startIndex, second)
    }
    guard rest.first == pooling else { return nil }
    rest = rest.dropFirst()
    return name(pooling)
  }

  private mutating func name(_ layer: LayerSpecification) -> String {
    countOfKind[layer.keyword, default: 0] += 1
    return layer.keyword + String(countOfKind[layer.keyword, default: 0])
  }

  private mutating func tensors(
    of layer: String, weightShape: [Int], isLast: Bool
  ) -> (weights: ParameterTensor, bias: ParameterTensor) {
    let fanIn = Float(weightShape.dropLast().reduce(1, *))
    let offset = tensors.last.map { $0.range.upperBound } ?? 0
    let weights = ParameterTensor(
      name: layer + ".weight", role: .weight, shape: weightShape, offset: offset,
      initialDeviation: ((isLast ? 1 : 2) / fanIn).squareRoot())
    let bias = ParameterTensor(
      name: layer + ".bias", role: .bias, shape: [weightShape.last ?? 1], offset: weights.range.upperBound,
      initialDeviation: 0)
    tensors += [weights, bias]
    return (weights, bias)
  }
}
