package import Inference
internal import Model

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
