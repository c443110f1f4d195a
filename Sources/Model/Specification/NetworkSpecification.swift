/// An architecture as data: a sequence of layers, written `conv 16x5 stride 2; relu; …; dense 10`.
package struct NetworkSpecification: Sendable, CustomStringConvertible {
  /// The layers from the image to the logits.
  package let layers: [LayerSpecification]
  /// Whether it was called by its name, so that how many classes it tells apart is left to the dataset. Networks of the
  /// same layers are equal, whatever they were called.
  package let isNamed: Bool

  /// Reads a named network (`NetworkSpecification.named`) or a specification string.
  ///
  /// - Throws: `NetworkSpecificationError`, which points at the offending word.
  package init(_ text: String) throws(NetworkSpecificationError) {
    if let named = Self.named[text] {
      self = named
    } else {
      layers = try NetworkParser(text).layers()
      isNamed = false
    }
  }

  /// A network with a name, or what was made of one.
  private init(layers: [LayerSpecification]) {
    self.layers = layers
    isNamed = true
  }

  /// The features of the last layer, the logits of as many classes; nil if that is no dense layer.
  package var classCount: Int? {
    if case .dense(let features)? = layers.last { features } else { nil }
  }

  /// This network with `classCount` features in its last layer.
  package func ending(in classCount: Int) -> NetworkSpecification {
    NetworkSpecification(layers: layers.dropLast() + [.dense(features: classCount)])
  }

  /// The canonical text: equal networks have equal texts.
  package var description: String {
    layers.map(\.description).joined(separator: "; ")
  }

  /// Checks that every layer fits the output of the one before it and that the last gives logits; returns each layer's
  /// output shape.
  ///
  /// - Throws: `NetworkSpecificationError` naming the first layer that does not fit.
  package func outputShapes(input: Shape) throws(NetworkSpecificationError) -> [Shape] {
    var shapes: [Shape] = []
    var shape = input
    for (index, layer) in layers.enumerated() {
      guard let output = layer.outputShape(for: shape) else {
        throw NetworkSpecificationError(
          text: description, word: layer.description, wordIndex: index,
          problem: "does not fit an input of \(shape)"
            + (index == 0 ? "" : ", which an image of \(input) comes to"))
      }
      shapes.append(output)
      shape = output
    }
    try requireLogits()
    return shapes
  }

  /// Checks that the last layer gives logits.
  ///
  /// - Throws: `NetworkSpecificationError` naming the last layer.
  package func requireLogits() throws(NetworkSpecificationError) {
    guard classCount == nil else { return }
    throw NetworkSpecificationError(
      text: description, word: layers.last?.description ?? "", wordIndex: layers.count - 1,
      problem: "is the last one, expected a dense layer with the logits of all classes, e.g. dense 10")
  }
}

extension NetworkSpecification: Hashable {
  package static func == (a: NetworkSpecification, b: NetworkSpecification) -> Bool { a.layers == b.layers }

  package func hash(into hasher: inout Hasher) { hasher.combine(layers) }
}

extension NetworkSpecification {
  /// The networks that have a name.
  package static let named: [String: NetworkSpecification] = [
    // Small enough for a step of some hundred microseconds, large enough for 99.2 %.
    "quick": NetworkSpecification(layers: [
      .convolution(channels: 16, kernel: 5, stride: 2, padding: .valid), .relu,
      .convolution(channels: 32, kernel: 3, stride: 1, padding: .valid), .maxPooling(size: 2, stride: 2),
      .relu,
      .convolution(channels: 64, kernel: 3, stride: 1, padding: .valid), .relu,
      .dense(features: 10),
    ]),
    // As `quick` with fewer channels: most steps in half a second.
    "sprint": NetworkSpecification(layers: [
      .convolution(channels: 16, kernel: 5, stride: 2, padding: .valid), .relu,
      .convolution(channels: 24, kernel: 3, stride: 1, padding: .valid), .maxPooling(size: 2, stride: 2),
      .relu,
      .convolution(channels: 48, kernel: 3, stride: 1, padding: .valid), .relu,
      .dense(features: 10),
    ]),
    // Network M: as S with a wider first layer.
    "medium": NetworkSpecification(layers: [
      .convolution(channels: 24, kernel: 5, stride: 2, padding: .valid), .relu,
      .convolution(channels: 32, kernel: 3, stride: 1, padding: .valid), .maxPooling(size: 2, stride: 2),
      .relu,
      .convolution(channels: 64, kernel: 3, stride: 1, padding: .valid), .relu,
      .dense(features: 10),
    ]),
    // Keras' example "Simple MNIST convnet": 34,826 parameters.
    "keras": NetworkSpecification(layers: [
      .convolution(channels: 32, kernel: 3, stride: 1, padding: .valid), .relu,
      .maxPooling(size: 2, stride: 2),
      .convolution(channels: 64, kernel: 3, stride: 1, padding: .valid), .relu,
      .maxPooling(size: 2, stride: 2),
      .dropout(probability: 0.5), .dense(features: 10),
    ]),
    // PyTorch's examples/mnist: 1,199,882 parameters.
    "pytorch": NetworkSpecification(layers: [
      .convolution(channels: 32, kernel: 3, stride: 1, padding: .valid), .relu,
      .convolution(channels: 64, kernel: 3, stride: 1, padding: .valid), .relu,
      .maxPooling(size: 2, stride: 2),
      .dropout(probability: 0.25), .dense(features: 128), .relu, .dropout(probability: 0.5),
      .dense(features: 10),
    ]),
    // The network where PyTorch is at its strongest: 162,226 parameters, 16.4 million multiply-adds.
    "wide": pyramid(channels: [24, 48, 96], head: [.dense(features: 10)]),
    // `wide` with a wider body and dropout: 287,722 parameters, 28.9 million multiply-adds.
    "best": pyramid(channels: [32, 64, 128], head: [.dropout(probability: 0.2), .dense(features: 10)]),
    // One hidden layer: 784-128-10.
    "mlp": NetworkSpecification(layers: [.dense(features: 128), .relu, .dense(features: 10)]),
    // Multinomial logistic regression: the linear classifier that a dataset should beat.
    "linear": NetworkSpecification(layers: [.dense(features: 10)]),
  ]

  /// Two convolutions of 3 × 3 at each resolution, which halves from one number of channels to the next; then the mean over
  /// height and width, and the head.
  private static func pyramid(channels: [Int], head: [LayerSpecification]) -> NetworkSpecification {
    let stages = channels.map { count in
      [LayerSpecification](
        repeating: .convolution(channels: count, kernel: 3, stride: 1, padding: .same), count: 2
      ).flatMap { [$0, .relu] }
    }
    let body = stages.joined(separator: [.maxPooling(size: 2, stride: 2)])
    return NetworkSpecification(layers: body + [.globalAverage] + head)
  }
}

extension NetworkSpecification: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(String(from: decoder))
  }

  package func encode(to encoder: any Encoder) throws {
    try description.encode(to: encoder)
  }
}
