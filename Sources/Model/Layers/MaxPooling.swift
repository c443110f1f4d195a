internal import Tensors

/// The maximum over square windows, channel by channel; the first of equal values gets the gradient.
final class MaxPooling: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false

  private let size: Int
  private let windows: PoolingWindows
  /// [capacity, oh, ow, channels]: which of the window's size² positions, row by row, held the maximum. Small
  /// whole numbers as floats: Swift compiles comparisons of float vectors to single instructions, those of
  /// integer vectors to calls.
  private let winners: FloatBuffer

  init(name: String, input: Shape, output: Shape, size: Int, stride: Int, capacity: Int) {
    self.name = name
    inputShape = input
    outputShape = output
    self.size = size
    windows = PoolingWindows(input: input, output: output, stride: stride)
    winners = FloatBuffer(count: capacity * output.count)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    let channels = inputShape.channels
    windows.forEach(pass.count) { inputOffset, outputOffset in
      let x = input + inputOffset
      let y = output + outputOffset
      let winner = winners.pointer + outputOffset
      var c = 0
      while c + 8 <= channels {
        var best = x.vector(at: c)
        var position = Vector.zero
        for dy in 0..<size {
          for dx in (dy == 0 ? 1 : 0)..<size {
            let value = x.vector(at: (dy * inputShape.width + dx) * channels + c)
            let isLarger = value .> best
            best.replace(with: value, where: isLarger)
            position.replace(with: Float(dy * size + dx), where: isLarger)
          }
        }
        y.store(best, at: c)
        winner.store(position, at: c)
        c += 8
      }
      while c < channels {
        var best = x[c]
        var position: Float = 0
        for dy in 0..<size {
          for dx in 0..<size {
            let value = x[(dy * inputShape.width + dx) * channels + c]
            if value > best {
              best = value
              position = Float(dy * size + dx)
            }
          }
        }
        y[c] = best
        winner[c] = position
        c += 1
      }
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (outputGradient, inputGradient) = (outputGradient.start, inputGradient?.start)
    guard let inputGradient else { return }
    let channels = inputShape.channels
    let covers =
      windows.stride == size && outputShape.height * size == inputShape.height
      && outputShape.width * size == inputShape.width
    if !covers { inputGradient.update(repeating: 0, count: pass.count * inputShape.count) }
    if windows.stride == size {
      scatter(pass, outputGradient: outputGradient, inputGradient: inputGradient)
      return
    }
    windows.forEach(pass.count) { inputOffset, outputOffset in
      for c in 0..<channels {
        let position = Int(winners.pointer[outputOffset + c])
        let offset = (position / size * inputShape.width + position % size) * channels + c
        inputGradient[inputOffset + offset] += outputGradient[outputOffset + c]
      }
    }
  }

  /// The common case: windows do not overlap, so each input value is written once at most.
  private func scatter(
    _ pass: Pass, outputGradient: UnsafePointer<Float>, inputGradient: UnsafeMutablePointer<Float>
  ) {
    let channels = inputShape.channels
    windows.forEach(pass.count) { inputOffset, outputOffset in
      let dx = inputGradient + inputOffset
      let dy = outputGradient + outputOffset
      let winner = winners.pointer + outputOffset
      for position in 0..<size * size {
        let target = dx + (position / size * inputShape.width + position % size) * channels
        var c = 0
        while c + 8 <= channels {
          let isElsewhere = winner.vector(at: c) .!= Float(position)
          target.store(dy.vector(at: c).replacing(with: 0, where: isElsewhere), at: c)
          c += 8
        }
        while c < channels {
          target[c] = winner[c] == Float(position) ? dy[c] : 0
          c += 1
        }
      }
    }
  }
}
