internal import CConvolutions
internal import Tensors

/// A 3×3 convolution of stride 1, without its bias, by Winograd's F(3×3, 3×3): for outputs of three by three, or a few
/// times that, which the tiles of `WinogradConvolution` would leave half empty.
///
/// The points are 0, ±1, −2 and ∞ (Lavin, Gray 2016, §4; Barabasz et al. 2020 on the choice of points): 25 products of
/// transformed tiles and weights per pass in place of 81 multiplications per tile and pair of channels. A tile of a
/// micro-batch is a row of each product; transforms and products are C (`CConvolutions`).
final class SmallWinogradConvolution: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  /// Products of a tile.
  private static let places = 25
  /// What a group's transformed tiles, in and out, may take of the core's second-level cache; the transformed weights
  /// need room beside them.
  private static let groupBytes = 256 * 1024

  private let weights: ParameterTensor
  private let padding: Int
  private let layer: cconvolutions_winograd
  /// Tiles that go through the products together.
  private let groupSize: Int
  /// [capacity, 3 · tile rows + 2, 3 · tile columns + 2, in]: the micro-batch in frames of zeros, and its gradient; nil
  /// where tiles cover the images as they are.
  private let frames: FloatBuffer?
  private let gradientFrames: FloatBuffer?
  /// [25, in, out]: G g Gᵀ.
  private let transformedWeights: FloatBuffer
  /// [3, 3, out, in]: the weights transposed, and [25, out, in]: transformed.
  private let transposedWeights: FloatBuffer
  private let transformedTransposedWeights: FloatBuffer
  /// [25, tiles of the group, in]: Bᵀ d B of one group, in `backward` then its gradient.
  private let transformedInput: FloatBuffer
  /// [25, tiles of the group, out]: one group's products, or in `backward` their gradient.
  private let transformedOutput: FloatBuffer

  /// Floats in a vector.
  private var lanes: Int32 { Int32(Products.shared.own.lanes) }

  /// Products per pair of channels for that output.
  static func productCount(_ output: Shape) -> Int {
    places * tiles(output.height) * tiles(output.width)
  }

  /// Whether the shapes suit this algorithm better than im2col: whole vectors of channels, and tiles that save half of the
  /// multiplications, since the transforms take their time too.
  static func suits(kernel: Int, stride: Int, input: Shape, output: Shape) -> Bool {
    kernel == 3 && stride == 1 && input.channels % 8 == 0 && output.channels % 8 == 0 && input.channels >= 16
      && 2 * productCount(output) <= 9 * output.height * output.width
  }

  /// Tiles along a side.
  private static func tiles(_ side: Int) -> Int { (side + 2) / 3 }

  init(
    name: String, input: Shape, output: Shape, padding: Padding, weights: ParameterTensor, capacity: Int
  ) {
    self.name = name
    inputShape = input
    outputShape = output
    self.weights = weights
    self.padding = padding == .same ? 1 : 0
    let (rows, columns) = (Self.tiles(output.height), Self.tiles(output.width))
    let bytesPerTile = Self.places * (input.channels + output.channels) * MemoryLayout<Float>.stride
    groupSize = min(max(Self.groupBytes / bytesPerTile, 8), rows * columns * capacity)
    let frameRow = (3 * columns + 2) * input.channels
    layer = cconvolutions_winograd(
      tile_rows: rows, tile_columns: columns, height: output.height, width: output.width, in: input.channels,
      out: output.channels, frame_row: frameRow, frame: (3 * rows + 2) * frameRow,
      in_plane: WinogradConvolution.plane(groupSize * input.channels),
      out_plane: WinogradConvolution.plane(groupSize * output.channels),
      weight_plane: WinogradConvolution.plane(input.channels * output.channels))
    let isFramed = layer.frame != input.count
    frames = isFramed ? FloatBuffer(count: capacity * layer.frame) : nil
    gradientFrames = isFramed ? FloatBuffer(count: capacity * layer.frame) : nil
    transformedWeights = FloatBuffer(count: Self.places * layer.weight_plane)
    transformedTransposedWeights = FloatBuffer(count: transformedWeights.count)
    transposedWeights = FloatBuffer(count: weights.count)
    transformedInput = FloatBuffer(count: Self.places * layer.in_plane)
    transformedOutput = FloatBuffer(count: Self.places * layer.out_plane)
  }

  func prepare(_ parameters: FloatBuffer) {
    let kernel = parameters.pointer + weights.offset
    for tap in stride(from: 0, to: weights.count, by: layer.in * layer.out) {
      transpose(kernel + tap, rows: layer.in, columns: layer.out, into: transposedWeights.pointer + tap)
    }
    withUnsafePointer(to: layer) {
      cconvolutions_winograd_weights(lanes, $0, kernel, transformedWeights.pointer)
      cconvolutions_winograd_weights(
        lanes, $0, transposedWeights.pointer, transformedTransposedWeights.pointer)
    }
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    if let frames { moveIntoFrames(input, frames.pointer, count: pass.count) }
    let images = frames.map { UnsafePointer($0.pointer) } ?? input
    forEachGroup(pass.count) { group, layer in
      cconvolutions_winograd_input(
        lanes, layer, group.lowerBound, group.upperBound, images, transformedInput.pointer)
      cconvolutions_winograd_products(
        lanes, group.count, self.layer.out, self.layer.in, transformedInput.pointer, self.layer.in_plane,
        transformedWeights.pointer, self.layer.weight_plane, transformedOutput.pointer, self.layer.out_plane)
      cconvolutions_winograd_output(
        lanes, layer, group.lowerBound, group.upperBound, transformedOutput.pointer, output)
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (outputGradient, gradient) = (outputGradient.start, gradient.start)
    let inputGradient = inputGradient?.start
    let images = frames.map { UnsafePointer($0.pointer) } ?? input.start
    forEachGroup(pass.count) { group, layer in
      cconvolutions_winograd_input(
        lanes, layer, group.lowerBound, group.upperBound, images, transformedInput.pointer)
      cconvolutions_winograd_output_gradient(
        lanes, layer, group.lowerBound, group.upperBound, outputGradient, transformedOutput.pointer)
      cconvolutions_winograd_weight_gradient(
        lanes, layer, group.count, transformedInput.pointer, transformedOutput.pointer, group.lowerBound > 0,
        gradient + weights.offset)
      guard let inputGradient else { return }
      cconvolutions_winograd_products(
        lanes, group.count, self.layer.in, self.layer.out, transformedOutput.pointer, self.layer.out_plane,
        transformedTransposedWeights.pointer, self.layer.weight_plane, transformedInput.pointer,
        self.layer.in_plane)
      cconvolutions_winograd_input_gradient(
        lanes, layer, group.lowerBound, group.upperBound, transformedInput.pointer,
        gradientFrames?.pointer ?? inputGradient)
    }
    if let gradientFrames, let inputGradient {
      moveOutOfFrames(gradientFrames.pointer, inputGradient, count: pass.count)
    }
  }

  /// Calls `body` with each group of tiles, counted through the micro-batch.
  @inline(__always)
  private func forEachGroup(
    _ count: Int, _ body: (_ tiles: Range<Int>, _ layer: UnsafePointer<cconvolutions_winograd>) -> Void
  ) {
    let tiles = count * layer.tile_rows * layer.tile_columns
    withUnsafePointer(to: layer) { layer in
      for first in stride(from: 0, to: tiles, by: groupSize) {
        body(first..<min(first + groupSize, tiles), layer)
      }
    }
  }

  private func moveIntoFrames(
    _ images: UnsafePointer<Float>, _ frames: UnsafeMutablePointer<Float>, count: Int
  ) {
    forEachRow(count) { inImage, inFrame, length in
      (frames + inFrame).update(from: images + inImage, count: length)
    }
  }

  private func moveOutOfFrames(
    _ frames: UnsafePointer<Float>, _ images: UnsafeMutablePointer<Float>, count: Int
  ) {
    forEachRow(count) { inImage, inFrame, length in
      (images + inImage).update(from: frames + inFrame, count: length)
    }
  }

  /// Calls `body` with the place of each row of `count` images, in the images and in their frames, and its length.
  @inline(__always)
  private func forEachRow(_ count: Int, _ body: (_ inImage: Int, _ inFrame: Int, _ length: Int) -> Void) {
    let length = inputShape.width * inputShape.channels
    for sample in 0..<count {
      for y in 0..<inputShape.height {
        body(
          sample * inputShape.count + y * length,
          sample * layer.frame + (y + padding) * layer.frame_row + padding * inputShape.channels, length)
      }
    }
  }
}
