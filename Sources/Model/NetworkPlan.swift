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
      let isFirst = tensors.isEmpty
      let (weights, bias) = tensors(
        of: name, weightShape: [kernel, kernel, shape.channels, output.channels], isLast: isLastWithWeights)
      switch ConvolutionMethod(kernel: kernel, stride: stride, input: shape, output: output, isFirst: isFirst)
      {
      case .winograd:
        appendWinograd(name, output, padding: padding, weights: weights, bias: bias, rest: &rest)
      case .smallWinograd:
        layers.append(
          SmallWinogradConvolution(
            name: name, input: shape, output: output, padding: padding, weights: weights,
            capacity: capacity))
        shape = output
        appendActivation(bias: bias, rest: &rest)
      case .first:
        appendFirst(
          name, output, kernel: kernel, stride: stride, padding: padding, weights: weights, bias: bias,
          rest: &rest)
      case .products:
        layers.append(
          Convolution(
            name: name, input: shape, output: output, kernel: kernel, stride: stride, padding: padding,
            weights: weights, capacity: capacity))
        shape = output
        appendActivation(bias: bias, rest: &rest)
      }
    case .dense:
      let (weights, bias) = tensors(
        of: name, weightShape: [shape.count, output.count], isLast: isLastWithWeights)
      layers.append(Dense(name: name, input: shape, output: output, weights: weights, capacity: capacity))
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

  /// Appends the network's first convolution, with what it does of the layers behind it.
  private mutating func appendFirst(
    _ name: String, _ convolved: Shape, kernel: Int, stride: Int, padding: Padding, weights: ParameterTensor,
    bias: ParameterTensor, rest: inout ArraySlice<LayerSpecification>
  ) {
    var ahead = rest
    let activation = takeActivation(on: convolved, from: &ahead)
    var name = name
    var pooling: FirstConvolution.Pooling?
    var finishes = activation.pooling == nil
    if let layer = activation.pooling, case .maxPooling(let size, let stride) = layer,
      let output = layer.outputShape(for: convolved), FirstConvolution.canPool(size: size, stride: stride)
    {
      pooling = FirstConvolution.Pooling(size: size, stride: stride, output: output)
      finishes = true
      name += ", " + self.name(layer)
    }
    if finishes { name += activation.rectifies ? ", bias, relu" : ", bias" }
    layers.append(
      FirstConvolution(
        name: name, input: shape, convolved: convolved, kernel: kernel, stride: stride, padding: padding,
        pooling: pooling, weights: weights, bias: finishes ? bias : nil,
        rectifies: finishes && activation.rectifies, capacity: capacity))
    shape = pooling?.output ?? convolved
    if finishes {
      rest = ahead
    } else {
      appendActivation(bias: bias, rest: &rest)
    }
  }

  /// Takes the ReLU and the max pooling behind a layer with the output `shape` from `rest`, in either order.
  private func takeActivation(
    on shape: Shape, from rest: inout ArraySlice<LayerSpecification>
  ) -> (pooling: LayerSpecification?, rectifies: Bool) {
    var pooling: LayerSpecification?
    var rectifies = false
    if rest.first == .relu {
      rectifies = true
      rest = rest.dropFirst()
    }
    if case .maxPooling? = rest.first, let layer = rest.first, layer.outputShape(for: shape) != nil {
      pooling = layer
      rest = rest.dropFirst()
      if !rectifies, rest.first == .relu {
        rectifies = true
        rest = rest.dropFirst()
      }
    }
    return (pooling, rectifies)
  }

  /// Appends a convolution by Winograd's filtering, with the max pooling of 2×2 windows behind it, if there is one.
  private mutating func appendWinograd(
    _ name: String, _ convolved: Shape, padding: Padding, weights: ParameterTensor, bias: ParameterTensor,
    rest: inout ArraySlice<LayerSpecification>
  ) {
    let activation = takeActivation(on: convolved, from: &rest)
    var (name, pooling) = (name, activation.pooling)
    let pools = pooling == .maxPooling(size: 2, stride: 2)
    if pools, let layer = pooling {
      name += ", " + self.name(layer)
      pooling = nil
    }
    let layer = WinogradConvolution(
      name: name, input: shape, output: convolved, padding: padding, pools: pools, weights: weights,
      capacity: capacity)
    layers.append(layer)
    shape = layer.outputShape
    if let pooling { append(pooling, isLastWithWeights: false, rest: &rest) }
    appendBias(bias, rectifies: activation.rectifies)
  }

  /// Appends a layer's bias with the ReLU behind it, if any, and the max pooling around that one first.
  private mutating func appendActivation(bias: ParameterTensor, rest: inout ArraySlice<LayerSpecification>) {
    let activation = takeActivation(on: shape, from: &rest)
    if let pooling = activation.pooling { append(pooling, isLastWithWeights: false, rest: &rest) }
    appendBias(bias, rectifies: activation.rectifies)
  }

  private mutating func appendBias(_ bias: ParameterTensor, rectifies: Bool) {
    let name = bias.name.split(separator: ".").first.map(String.init) ?? bias.name
    layers.append(
      BiasActivation(
        name: name + (rectifies ? " bias, relu" : " bias"), shape: shape, bias: bias, rectifies: rectifies))
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
