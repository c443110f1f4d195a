internal import Tensors

/// y = x + b, or y = max(x + b, 0), in place; b is one value per channel.
///
/// Convolution and dense layers leave their bias to this layer, and max pooling goes before it: the maximum of
/// a window commutes with adding a constant and with a monotone function, so that bias and ReLU touch a
/// quarter of the values. Rounding is monotone too: the result is the same to the bit.
final class BiasActivation: Layer {
  let name: String
  let inputShape: Shape
  var outputShape: Shape { inputShape }
  let isInPlace = true
  var isTrainable: Bool { bias != nil }

  private let bias: ParameterTensor?
  private let rectifies: Bool

  /// With neither bias nor ReLU there would be nothing to do.
  init(name: String, shape: Shape, bias: ParameterTensor?, rectifies: Bool) {
    precondition(bias != nil || rectifies, "a layer without effect")
    self.name = name
    inputShape = shape
    self.bias = bias
    self.rectifies = rectifies
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let output = output.start
    guard let bias else {
      rectify(output, count: pass.count * inputShape.count)
      return
    }
    let rows = pass.count * inputShape.height * inputShape.width
    let columns = inputShape.channels
    let b = pass.parameters.pointer + bias.offset
    var y = output
    for _ in 0..<rows {
      var j = 0
      while j + 8 <= columns {
        let value = y.vector(at: j) + b.vector(at: j)
        y.store(rectifies ? value.replacing(with: 0, where: value .< 0) : value, at: j)
        j += 8
      }
      while j < columns {
        let value = y[j] + b[j]
        y[j] = rectifies && value < 0 ? 0 : value
        j += 1
      }
      y += columns
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (output, outputGradient, gradient) = (output.start, outputGradient.start, gradient.start)
    if let bias {
      maskAndSum(pass, output: output, outputGradient: outputGradient, sums: gradient + bias.offset)
    } else {
      mask(output: output, outputGradient: outputGradient, count: pass.count * inputShape.count)
    }
  }

  /// dx = dy where y > 0 (everywhere without ReLU); db = Σ dx over samples and positions, in their order.
  private func maskAndSum(
    _ pass: Pass, output: UnsafePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Float>
  ) {
    let rows = pass.count * inputShape.height * inputShape.width
    let columns = inputShape.channels
    sums.update(repeating: 0, count: columns)
    var y = output
    var dy = outputGradient
    for _ in 0..<rows {
      var j = 0
      while j + 8 <= columns {
        var value = dy.vector(at: j)
        if rectifies {
          value = value.replacing(with: 0, where: y.vector(at: j) .<= 0)
          dy.store(value, at: j)
        }
        sums.store(sums.vector(at: j) + value, at: j)
        j += 8
      }
      while j < columns {
        if rectifies, y[j] <= 0 { dy[j] = 0 }
        sums[j] += dy[j]
        j += 1
      }
      y += columns
      dy += columns
    }
  }

  private func rectify(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count where values[i] < 0 {
      values[i] = 0
    }
  }

  private func mask(
    output: UnsafePointer<Float>, outputGradient: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count where output[i] <= 0 {
      outputGradient[i] = 0
    }
  }
}
