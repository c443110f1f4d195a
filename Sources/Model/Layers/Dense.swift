internal import Tensors

/// Y = X·W without its bias: X [n, in] (a flattened image: height, width, channels), W [in, out].
final class Dense: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false

  private let weights: ParameterTensor

  init(name: String, input: Shape, output: Shape, weights: ParameterTensor) {
    self.name = name
    inputShape = input
    outputShape = output
    self.weights = weights
  }

  func forward(_ pass: Pass, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
    gemm(
      pass.count, outputShape.count, inputShape.count, input, pass.parameters + weights.offset,
      into: output)
  }

  func backward(
    _ pass: Pass, output: UnsafePointer<Float>, input: UnsafePointer<Float>,
    outputGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    gradient: UnsafeMutablePointer<Float>
  ) {
    gemm(
      inputShape.count, outputShape.count, pass.count, input, transposeA: true, outputGradient,
      into: gradient + weights.offset)
    guard let inputGradient else { return }
    gemm(
      pass.count, inputShape.count, outputShape.count,
      outputGradient, pass.parameters + weights.offset, transposeB: true, into: inputGradient)
  }
}
