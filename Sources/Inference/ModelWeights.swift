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
