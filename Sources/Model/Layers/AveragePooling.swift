internal import Tensors

/// The mean of square windows, channel by channel.
final class AveragePooling: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false

  private let size: Int
  private let windows: PoolingWindows

  init(name: String, input: Shape, output: Shape, size: Int, stride: Int) {
    self.name = name
    inputShape = input
    outputShape = output
    self.size = size
    windows = PoolingWindows(input: input, output: output, stride: stride)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    let channels = inputShape.channels
    let scale = 1 / Float(size * size)
    windows.forEach(pass.count) { inputOffset, outputOffset in
      let (x, y) = (input + inputOffset, output + outputOffset)
      var c = 0
      while c + 8 <= channels {
        var sum = Vector.zero
        for dy in 0..<size {
          for dx in 0..<size { sum += x.vector(at: (dy * inputShape.width + dx) * channels + c) }
        }
        y.store(sum * scale, at: c)
        c += 8
      }
      while c < channels {
        var sum: Float = 0
        for dy in 0..<size {
          for dx in 0..<size { sum += x[(dy * inputShape.width + dx) * channels + c] }
        }
        y[c] = sum * scale
        c += 1
      }
    }
  }

  /// Each input of a window gets its share; where windows overlap, shares add up in the windows' order.
  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (outputGradient, inputGradient) = (outputGradient.start, inputGradient?.start)
    guard let inputGradient else { return }
    let channels = inputShape.channels
    let scale = 1 / Float(size * size)
    inputGradient.update(repeating: 0, count: pass.count * inputShape.count)
    windows.forEach(pass.count) { inputOffset, outputOffset in
      let (dx, dy) = (inputGradient + inputOffset, outputGradient + outputOffset)
      for row in 0..<size {
        for column in 0..<size {
          let target = dx + (row * inputShape.width + column) * channels
          var c = 0
          while c + 8 <= channels {
            target.store(target.vector(at: c) + dy.vector(at: c) * scale, at: c)
            c += 8
          }
          while c < channels {
            target[c] += dy[c] * scale
            c += 1
          }
        }
      }
    }
  }
}
