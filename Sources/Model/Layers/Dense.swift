internal import Tensors

/// Y = X·W without its bias: X [n, in] (a flattened image: height, width, channels), W [in, out].
final class Dense: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private let weights: ParameterTensor

  init(name: String, input: Shape, output: Shape, weights: ParameterTensor) {
    self.name = name
    inputShape = input
    outputShape = output
    self.weights = weights
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    gemm(
      pass.count, outputShape.count, inputShape.count, input, pass.parameters.pointer + weights.offset,
      into: output)
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (input, outputGradient, gradient) = (input.start, outputGradient.start, gradient.start)
    let inputGradient = inputGradient?.start
    gemm(
      inputShape.count, outputShape.count, pass.count, input, transposeA: true, outputGradient,
      into: gradient + weights.offset)
    guard let inputGradient else { return }
    gemm(
      pass.count, inputShape.count, outputShape.count,
      outputGradient, pass.parameters.pointer + weights.offset, transposeB: true, into: inputGradient)
  }
}
