internal import CConvolutions
internal import Tensors

/// A network's first convolution, with the max pooling, bias and ReLU behind it, in one pass over each image.
///
/// Nobody needs the gradient of its input, and the input has few channels: its patches are read where they lie in the
/// image (`CConvolutions`) and never written as im2col does. The bits are those of `Convolution`, `MaxPooling` and
/// `BiasActivation` in turn: sums go in the same order, and the weights' gradient over the same groups of samples.
final class FirstConvolution: Layer {
  /// Windows of max pooling that do not overlap.
  struct Pooling {
    let size: Int
    let stride: Int
    let output: Shape
  }

  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private let weights: ParameterTensor
  private let bias: ParameterTensor?
  private let layer: cconvolutions_first
  /// Samples whose part of the weights' gradient is one sum.
  private let groupSize: Int
  /// The image's place in its frame: rows above it, and floats in front of a row.
  private let top: Int
  private let left: Int
  /// [capacity, rows, row]: the micro-batch in frames of zeros; nil where the images themselves will do.
  private let frames: FloatBuffer?
  /// [k · k · in + 1, out in whole vectors]: the weights, then the bias.
  private let packed: FloatBuffer
  /// [size, width, out in whole vectors]: the rows of a row of windows, before they are pooled.
  private let band: FloatBuffer
  /// [capacity, output, out in whole vectors]: which of a window's positions, row by row, held the maximum.
  private var winners: [UInt8]

  /// Whether the layer can do such a max pooling itself: windows that do not overlap, whose positions are bytes.
  static func canPool(size: Int, stride: Int) -> Bool {
    stride >= size && size <= 15
  }

  /// A layer whose output is `convolved`, or what `pooling` makes of that; without `bias` it does not rectify either.
  init(
    name: String, input: Shape, convolved: Shape, kernel: Int, stride: Int, padding: Padding,
    pooling: Pooling?,
    weights: ParameterTensor, bias: ParameterTensor?, rectifies: Bool, capacity: Int
  ) {
    precondition(bias != nil || !rectifies, "the ReLU comes after the bias")
    self.name = name
    inputShape = input
    outputShape = pooling?.output ?? convolved
    self.weights = weights
    self.bias = bias
    let channels = input.channels
    let (height, width) = ((convolved.height - 1) * stride + kernel, (convolved.width - 1) * stride + kernel)
    (top, left) =
      padding == .same
      ? (max(height - input.height, 0) / 2, max(width - input.width, 0) / 2 * channels) : (0, 0)
    let isFramed = height > input.height || width > input.width
    let frameRow = (isFramed ? max(width, input.width) : input.width) * channels
    let frame = (isFramed ? max(height, input.height) : input.height) * frameRow
    frames = isFramed ? FloatBuffer(count: capacity * frame) : nil
    let padded = (convolved.channels + 7) / 8 * 8
    layer = cconvolutions_first(
      kernel: kernel, run: kernel * channels, step: stride * channels, row_step: stride * frameRow,
      frame_row: frameRow, frame: frame, height: convolved.height, width: convolved.width,
      channels: convolved.channels, padded: padded, pool: pooling?.size ?? 1,
      pool_stride: pooling?.stride ?? 1,
      pooled_height: outputShape.height, pooled_width: outputShape.width, adds_bias: bias != nil,
      rectifies: rectifies)
    groupSize = max(Products.smallProduct / (convolved.count * kernel * kernel * channels), 1)
    packed = FloatBuffer(count: (kernel * kernel * channels + 1) * padded)
    band = FloatBuffer(count: pooling.map { $0.size * convolved.width * padded } ?? 0)
    winners =
      pooling.map { [UInt8](repeating: 0, count: capacity * $0.output.height * $0.output.width * padded) }
      ?? []
  }

  /// Floats in a vector.
  private var lanes: Int32 { Int32(Products.shared.own.lanes) }
  private var winnersOfSample: Int {
    winners.isEmpty ? 0 : outputShape.height * outputShape.width * layer.padded
  }

  func prepare(_ parameters: FloatBuffer) {
    let (channels, rows) = (layer.channels, weights.count / layer.channels)
    for row in 0..<rows {
      (packed.pointer + row * layer.padded)
        .update(from: parameters.pointer + weights.offset + row * channels, count: channels)
    }
    if let bias {
      (packed.pointer + rows * layer.padded).update(from: parameters.pointer + bias.offset, count: channels)
    }
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    if let frames {
      for sample in 0..<pass.count {
        moveIntoFrame(input + sample * inputShape.count, frames.pointer + sample * layer.frame)
      }
    }
    withUnsafePointer(to: layer) {
      cconvolutions_first_forward(
        lanes, $0, pass.count, frames.map { UnsafePointer($0.pointer) } ?? input, packed.pointer,
        band.pointer,
        output, &winners)
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    precondition(inputGradient == nil, "there are no parameters in front of the first convolution")
    let (output, outputGradient, gradient) = (output.start, outputGradient.start, gradient.start)
    let frames = frames.map { UnsafePointer($0.pointer) } ?? input.start
    let positions = outputShape.height * outputShape.width
    for first in Swift.stride(from: 0, to: pass.count, by: groupSize) {
      let count = min(groupSize, pass.count - first)
      let groupGradient = outputGradient + first * outputShape.count
      withUnsafePointer(to: layer) { layer in
        if let bias {
          cconvolutions_first_mask(
            lanes, layer, count * positions, output + first * outputShape.count, groupGradient, first > 0,
            gradient + bias.offset)
        }
        winners.withUnsafeBufferPointer {
          cconvolutions_first_weights(
            lanes, layer, count, frames + first * layer.pointee.frame, groupGradient,
            $0.baseAddress.map { $0 + first * winnersOfSample }, first > 0, gradient + weights.offset)
        }
      }
    }
  }

  private func moveIntoFrame(_ image: UnsafePointer<Float>, _ frame: UnsafeMutablePointer<Float>) {
    let row = inputShape.width * inputShape.channels
    for y in 0..<inputShape.height {
      (frame + (top + y) * layer.frame_row + left).update(from: image + y * row, count: row)
    }
  }
}
