/// How a convolution is computed. Part of what defines a model's bits, so it depends on shapes alone.
enum ConvolutionMethod {
  /// Winograd's F(m×m, 3×3).
  case winograd
  /// Without im2col, as nobody needs the input's gradient.
  case first
  /// im2col and products of matrices.
  case products

  init(kernel: Int, stride: Int, input: Shape, output: Shape, isFirst: Bool) {
    if WinogradConvolution.suits(kernel: kernel, stride: stride, input: input, output: output) {
      self = .winograd
    } else {
      self = isFirst ? .first : .products
    }
  }
}
