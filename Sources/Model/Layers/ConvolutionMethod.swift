/// How a convolution is computed. Part of what defines a model's bits, so it depends on shapes alone.
enum ConvolutionMethod {
  /// Winograd's F(m×m, 3×3), m from 4 to 6.
  case winograd
  /// Winograd's F(3×3, 3×3).
  case smallWinograd
  /// Without im2col, as nobody needs the input's gradient.
  case first
  /// im2col and products of matrices.
  case products

  init(kernel: Int, stride: Int, input: Shape, output: Shape, isFirst: Bool) {
    let isSmall = SmallWinogradConvolution.suits(kernel: kernel, stride: stride, input: input, output: output)
    if WinogradConvolution.suits(kernel: kernel, stride: stride, input: input, output: output) {
      let larger = WinogradConvolution.Tiling(output).productCount
      self =
        isSmall && SmallWinogradConvolution.productCount(output) < larger ? .smallWinograd : .winograd
    } else if isSmall {
      self = .smallWinograd
    } else {
      self = isFirst ? .first : .products
    }
  }
}
