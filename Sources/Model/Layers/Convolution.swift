internal import Tensors

/// Cross-correlation with a square odd kernel, without its bias, by im2col and one product per pass.
///
/// Weights are HWIO, so that an output position's patch, read kernel row by kernel row, lies in the order of
/// the weights' rows: P[n·oh·ow, k·k·in] · W[k·k·in, out] (Chellapilla et al. 2006). The weights' gradient is
/// Pᵀ·dY, the patches' is dY·Wᵀ, added up where patches overlap.
final class Convolution: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private let kernel: Int
  private let stride: Int
  /// Zeros above the first row; behind the last one there may be one more (`Padding.same`).
  private let paddingTop: Int
  private let paddingLeft: Int
  private let weights: ParameterTensor
  /// [capacity · oh · ow, k · k · in], then slack for `copyRun`; holds the patches' gradient after `backward`.
  private let patches: FloatBuffer
  /// Samples that go through a product together.
  private let groupSize: Int

  private var patchLength: Int { kernel * kernel * inputShape.channels }
  private var positions: Int { outputShape.height * outputShape.width }

  init(
    name: String, input: Shape, output: Shape, kernel: Int, stride: Int, padding: Padding,
    weights: ParameterTensor, capacity: Int
  ) {
    self.name = name
    inputShape = input
    outputShape = output
    self.kernel = kernel
    self.stride = stride
    self.weights = weights
    switch padding {
    case .valid:
      paddingTop = 0
      paddingLeft = 0
    case .same:
      paddingTop = max((output.height - 1) * stride + kernel - input.height, 0) / 2
      paddingLeft = max((output.width - 1) * stride + kernel - input.width, 0) / 2
    }
    let product = output.height * output.width * kernel * kernel * input.channels * output.channels
    groupSize = max(Products.smallProduct / product, 1)
    patches = FloatBuffer(
      count: capacity * output.height * output.width * kernel * kernel * input.channels + 8)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    forEachGroup(pass.count) { group, patches in
      for sample in group {
        gatherPatches(
          of: input + sample * inputShape.count,
          into: patches + (sample - group.lowerBound) * positions * patchLength)
      }
      gemm(
        group.count * positions, outputShape.channels, patchLength,
        patches, pass.parameters.pointer + weights.offset, into: output + group.lowerBound * outputShape.count
      )
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (outputGradient, inputGradient) = (outputGradient.start, inputGradient?.start)
    let gradient = gradient.start
    forEachGroup(pass.count) { group, patches in
      let rows = group.count * positions
      let outputGradient = outputGradient + group.lowerBound * outputShape.count
      gemm(
        patchLength, outputShape.channels, rows, patches, transposeA: true, outputGradient,
        into: gradient + weights.offset, beta: group.lowerBound == 0 ? 0 : 1)
      guard let inputGradient else { return }
      gemm(
        rows, patchLength, outputShape.channels,
        outputGradient, pass.parameters.pointer + weights.offset, transposeB: true, into: patches)
      for sample in group {
        addPatches(
          patches + (sample - group.lowerBound) * positions * patchLength,
          to: inputGradient + sample * inputShape.count)
      }
    }
  }

  /// Calls `body` with the samples that go through a product together, and their patches.
  @inline(__always)
  private func forEachGroup(
    _ count: Int, _ body: (_ samples: Range<Int>, _ patches: UnsafeMutablePointer<Float>) -> Void
  ) {
    for first in Swift.stride(from: 0, to: count, by: groupSize) {
      body(first..<min(first + groupSize, count), patches.pointer + first * positions * patchLength)
    }
  }

  /// im2col: each output position's patch of [h, w, in] becomes a row of [oh · ow, k · k · in].
  ///
  /// Along a kernel row a patch is one contiguous run of k · in floats in NHWC.
  private func gatherPatches(of image: UnsafePointer<Float>, into patches: UnsafeMutablePointer<Float>) {
    let channels = inputShape.channels
    var patch = patches
    for oy in 0..<outputShape.height {
      for ox in 0..<outputShape.width {
        let top = oy * stride - paddingTop
        let left = ox * stride - paddingLeft
        let first = max(-left, 0)
        let last = min(kernel, inputShape.width - left)
        for ky in 0..<kernel {
          let y = top + ky
          if first == 0, last == kernel, y >= 0, y < inputShape.height {
            copyRun(
              image + (y * inputShape.width + left) * channels, to: patch, count: kernel * channels)
          } else {
            patch.update(repeating: 0, count: kernel * channels)
            if y >= 0, y < inputShape.height, first < last {
              (patch + first * channels).update(
                from: image + (y * inputShape.width + left + first) * channels,
                count: (last - first) * channels)
            }
          }
          patch += kernel * channels
        }
      }
    }
  }

  /// col2im, the adjoint of `gatherPatches`: adds each patch's gradient to the image's, which it first clears.
  private func addPatches(
    _ patches: UnsafePointer<Float>, to image: UnsafeMutablePointer<Float>
  ) {
    let channels = inputShape.channels
    image.update(repeating: 0, count: inputShape.count)
    var patch = patches
    for oy in 0..<outputShape.height {
      for ox in 0..<outputShape.width {
        let top = oy * stride - paddingTop
        let left = ox * stride - paddingLeft
        let first = max(-left, 0)
        let last = min(kernel, inputShape.width - left)
        for ky in 0..<kernel {
          let y = top + ky
          if y >= 0, y < inputShape.height, first < last {
            add(
              patch + first * channels,
              to: image + (y * inputShape.width + left + first) * channels,
              count: (last - first) * channels)
          }
          patch += kernel * channels
        }
      }
    }
  }
}
