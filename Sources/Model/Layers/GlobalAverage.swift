internal import Tensors

/// The mean over height and width: [n, h, w, c] → [n, c].
final class GlobalAverage: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false

  private var positions: Int { inputShape.height * inputShape.width }

  init(name: String, input: Shape) {
    self.name = name
    inputShape = input
    outputShape = Shape(features: input.channels)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    let channels = inputShape.channels
    let scale = 1 / Float(positions)
    for sample in 0..<pass.count {
      let x = input + sample * inputShape.count
      let y = output + sample * channels
      y.update(from: x, count: channels)
      for position in 1..<max(positions, 1) {
        add(x + position * channels, to: y, count: channels)
      }
      for c in 0..<channels {
        y[c] *= scale
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
    let scale = 1 / Float(positions)
    for sample in 0..<pass.count {
      let dx = inputGradient + sample * inputShape.count
      let dy = outputGradient + sample * channels
      for position in 0..<positions {
        for c in 0..<channels {
          dx[position * channels + c] = dy[c] * scale
        }
      }
    }
  }
}
