internal import Files
internal import Inference
internal import Model

/// y = scale · x + offset.
struct AffineMap: Hashable, Sendable {
  var scale: Double
  var offset: Double

  static let identity = AffineMap(scale: 1, offset: 0)

  /// What first `inner` and then this one does.
  func after(_ inner: AffineMap) -> AffineMap {
    AffineMap(scale: scale * inner.scale, offset: scale * inner.offset + offset)
  }
}

/// What a model expects for a pixel of 0 (background) to 255.
package enum PixelScale: String, Sendable, CaseIterable {
  /// (pixel / 255 − 0.1307) / 0.3081: Lockstep's own, and that of PyTorch's examples.
  case standardized
  /// pixel / 255, as in Keras's examples.
  case unit
  /// The pixel itself.
  case bytes

  /// What it makes of a pixel.
  var map: AffineMap {
    switch self {
    case .standardized:
      AffineMap(scale: Double(InputPreparation.scale), offset: Double(InputPreparation.offset))
    case .unit: AffineMap(scale: 1 / 255, offset: 0)
    case .bytes: .identity
    }
  }
}

extension ModelWeights {
  /// Changes the first layer of a model, which was made for pixels as `map` gives them, so that it does the same with
  /// pixels as Lockstep gives them.
  ///
  /// With v = g·x + h for the two kinds of pixels, W·v + b = (g·W)·x + (b + h·ΣW).
  ///
  /// - Throws: kind `different` where that cannot be: zeros around an image stand for other pixels then, and layers before
  ///   the first weights need not let it through. `path` is what the error calls the model.
  mutating func absorb(_ map: AffineMap, path: String) throws(FileError) {
    let own = PixelScale.standardized.map
    let gain = map.scale / own.scale
    let shift = map.offset - gain * own.offset
    // The same scaling in single precision, as in graphs that Lockstep wrote.
    if abs(gain - 1) < 1e-6, abs(shift) < 1e-6 { return }
    guard let layer = layers.first, let weight = layer.weight, let bias = layer.bias else {
      throw FileError(
        .different,
        "\(path): its pixels are scaled in another way than Lockstep's, which only a first layer with weights "
          + "makes good")
    }
    if case .convolution(_, let kernel, let stride, let padding) = layer.specification, abs(shift) >= 1e-6,
      padding.zeros(kernel: kernel, stride: stride, input: layer.input).contains(where: { $0 > 0 })
    {
      throw FileError(
        .different,
        "\(path): its pixels are scaled in another way than Lockstep's, so the zeros that "
          + "'\(layer.specification)' puts around an image mean something else: train it on pixels as "
          + "--pixels standardized has them")
    }
    var sums = [Double](repeating: 0, count: weight.columns)
    for index in weight.range {
      let value = Double(values[index])
      sums[(index - weight.offset) % weight.columns] += value
      values[index] = Float(gain * value)
    }
    for (index, sum) in zip(bias.range, sums) { values[index] = Float(Double(values[index]) + shift * sum) }
  }
}
