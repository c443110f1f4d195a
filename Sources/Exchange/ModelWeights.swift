package import Model

/// A network and values for its parameters: what goes to other programs, and what comes from them.
package struct ModelWeights: Sendable {
  /// One layer of the network with the shapes around it.
  package struct Layer: Sendable {
    package let specification: LayerSpecification
    /// Its kind and its number among its kind, e.g. `conv1` or `relu2`: the name that its parameters have too.
    package let name: String
    package let input: Shape
    package let output: Shape
    /// nil for layers without parameters.
    package let weight: ParameterTensor?
    package let bias: ParameterTensor?
  }

  package let network: NetworkSpecification
  /// The network's layers, from the image to the logits.
  package let layers: [Layer]
  /// All parameters, flat, in the layout of `Network`.
  package var values: [Float]

  /// Those layers that have parameters.
  package var weighted: [Layer] { layers.filter { $0.weight != nil } }

  /// The shape of an image.
  package let inputShape: Shape
  /// The number of classes.
  package var classCount: Int { layers.last?.output.count ?? 0 }

  /// Puts a network for images of `input` and its parameters together; without `values` they are zeros.
  ///
  /// - Throws: `NetworkSpecificationError` if a layer does not fit its input.
  /// - Precondition: `values` has as many elements as the network has parameters.
  package init(
    _ network: NetworkSpecification, input inputShape: Shape = .mnist, values: [Float]? = nil
  ) throws(NetworkSpecificationError) {
    let shapes = try network.outputShapes(input: inputShape)
    let layout = try Network(network, input: inputShape, capacity: 1).layout
    self.inputShape = inputShape
    precondition(values.map { $0.count == layout.count } ?? true, "values for \(layout.count) parameters")
    var tensors = layout.tensors[...]
    var input = inputShape
    var count: [String: Int] = [:]
    layers = zip(network.layers, shapes).map { specification, output in
      defer { input = output }
      count[specification.keyword, default: 0] += 1
      let hasParameters = specification.parameterCount(for: input) > 0
      return Layer(
        specification: specification,
        name: specification.keyword + String(count[specification.keyword, default: 0]), input: input,
        output: output, weight: hasParameters ? tensors.popFirst() : nil,
        bias: hasParameters ? tensors.popFirst() : nil)
    }
    self.network = network
    self.values = values ?? [Float](repeating: 0, count: layout.count)
  }

  /// The names and shapes of all parameters, in the order of `values`.
  package var tensors: [ParameterTensor] { layers.flatMap { [$0.weight, $0.bias].compactMap(\.self) } }
}

/// In which order a program keeps the numbers of a layer's weights.
package enum TensorLayout: String, Sendable, CaseIterable {
  /// Images channels first: a convolution's weights [out, in, height, width], a dense layer's [out, in], whose inputs are
  /// flattened in the order of channels, rows, columns.
  case pytorch
  /// Images channels last: [height, width, in, out] and [in, out], flattened in the order of rows, columns, channels.
  /// TensorFlow's too, and Lockstep's own.
  case keras
}

extension ModelWeights.Layer {
  /// The shape of its weights in `layout`; empty for a layer without any.
  package func weightShape(in layout: TensorLayout) -> [Int] {
    guard let shape = weight?.shape else { return [] }
    switch layout {
    case .keras: return shape
    case .pytorch: return shape.count == 4 ? [shape[3], shape[2], shape[0], shape[1]] : [shape[1], shape[0]]
    }
  }

  /// Where each element of its weights in Lockstep's order stands in the order of `layout`.
  private func places(in layout: TensorLayout) -> [Int] {
    guard let weight else { return [] }
    if layout == .keras { return Array(0..<weight.count) }
    // A dense layer over an image is a convolution whose kernel is the whole image.
    let (height, width, inputs) =
      weight.shape.count == 4
      ? (weight.shape[0], weight.shape[1], weight.shape[2]) : (input.height, input.width, input.channels)
    var places: [Int] = []
    places.reserveCapacity(weight.count)
    for y in 0..<height {
      for x in 0..<width {
        for i in 0..<inputs {
          for o in 0..<weight.columns { places.append(((o * inputs + i) * height + y) * width + x) }
        }
      }
    }
    return places
  }

  /// Its weights out of all `values` of the model, in the order of `layout`.
  package func weights(of values: [Float], in layout: TensorLayout) -> [Float] {
    guard let weight else { return [] }
    var result = [Float](repeating: 0, count: weight.count)
    for (index, place) in places(in: layout).enumerated() { result[place] = values[weight.offset + index] }
    return result
  }

  /// Puts weights in the order of `layout` among all `values` of the model.
  package func put(weights: [Float], in layout: TensorLayout, into values: inout [Float]) {
    guard let weight else { return }
    for (index, place) in places(in: layout).enumerated() { values[weight.offset + index] = weights[place] }
  }

  /// Its biases out of all `values` of the model.
  package func biases(of values: [Float]) -> [Float] { bias.map { Array(values[$0.range]) } ?? [] }
}
