internal import Tensors

/// Y = X·W without its bias: X [n, in] (a flattened image: height, width, channels), W [in, out].
final class Dense: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private let weights: ParameterTensor
  /// Wᵀ [out, in], made once per step where micro-batches are small; nil elsewhere, and in the first layer with weights,
  /// which passes no gradient on. A product with few rows takes less time than turning its second operand round.
  private let turnedWeights: FloatBuffer?
  /// Samples of a micro-batch from which on products do without: `CProducts` then turns the other operand.
  private static let manySamples = 16

  init(name: String, input: Shape, output: Shape, weights: ParameterTensor, capacity: Int) {
    self.name = name
    inputShape = input
    outputShape = output
    self.weights = weights
    turnedWeights =
      capacity < Self.manySamples && weights.offset > 0 ? FloatBuffer(count: weights.count) : nil
  }

  func prepare(_ parameters: FloatBuffer) {
    guard let turnedWeights else { return }
    transpose(
      parameters.pointer + weights.offset, rows: inputShape.count, columns: outputShape.count,
      into: turnedWeights.pointer)
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
      pass.count, inputShape.count, outputShape.count, outputGradient,
      turnedWeights?.pointer ?? pass.parameters.pointer + weights.offset, transposeB: turnedWeights == nil,
      into: inputGradient)
  }
}
