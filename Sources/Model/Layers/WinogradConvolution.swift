internal import Tensors

/// A 3×3 convolution of stride 1, without its bias, by Winograd's F(4×4, 3×3): 36 products of transformed tiles
/// and weights per pass instead of 144 multiplications per tile and pair of channels, done by `gemm`.
///
/// The input is copied into a frame of zeros, so that tiles need no bounds; the last tiles may reach beyond the
/// output, where nothing is written. Transforms run over eight channels at once.
final class WinogradConvolution: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private static let products = Winograd.side * Winograd.side
  /// What a group's transformed tiles, in and out, may take of the core's second-level cache; the transformed
  /// weights need room beside them.
  private static let groupBytes = 384 * 1024

  private let weights: ParameterTensor
  private let padding: Int
  private let tileRows: Int
  private let tileColumns: Int
  /// Tiles that go through the products together, each a row of them.
  private let groupSize: Int
  /// [4 · tile rows + 2, 4 · tile columns + 2, in]: one sample in its frame, and the gradient of one.
  private let frame: FloatBuffer
  private let gradientFrame: FloatBuffer
  /// [36, in, out]: G g Gᵀ.
  private let transformedWeights: FloatBuffer
  /// [3, 3, out, in]: the weights transposed, and [36, out, in]: transformed. `gemm` is quickest for
  /// matrices are those without transposition.
  private let transposedWeights: FloatBuffer
  private let transformedTransposedWeights: FloatBuffer
  /// [36, in, out]: the gradient of `transformedWeights`.
  private let weightGradient: FloatBuffer
  /// [36, tiles of the group, in]: Bᵀ d B of one group, in `backward` then its gradient. Transforming a second
  /// time there is quicker than fetching a whole micro-batch's from memory.
  private let transformedInput: FloatBuffer
  /// [36, tiles of the group, out]: one group's products, or in `backward` their gradient.
  private let transformedOutput: FloatBuffer
  /// 36 vectors between the two directions of a transform.
  private let scratch = FloatBuffer(count: products * 8)

  /// From one of the 36 products' operands to the next.
  private var inputPlane: Int { Self.plane(groupSize * inputChannels) }
  private var outputPlane: Int { Self.plane(groupSize * outputChannels) }
  private var weightPlane: Int { Self.plane(inputChannels * outputChannels) }

  /// At least `count` floats, an odd number of cache lines: a transform touches the same place of all 36 planes,
  /// which at a power of two apart would fall into the same few sets of the cache.
  private static func plane(_ count: Int) -> Int {
    ((count + 15) / 16 | 1) * 16
  }

  private var tiles: Int { tileRows * tileColumns }
  private var frameColumns: Int { tileColumns * Winograd.outputSide + 2 }
  private var inputChannels: Int { inputShape.channels }
  private var outputChannels: Int { outputShape.channels }

  /// Whether the shapes suit this algorithm better than im2col: whole vectors of channels, and tiles that are
  /// mostly filled.
  static func suits(kernel: Int, stride: Int, input: Shape, output: Shape) -> Bool {
    kernel == 3 && stride == 1 && input.channels % 8 == 0 && output.channels % 8 == 0
      && input.channels >= 16 && output.height >= 6 && output.width >= 6
  }

  init(
    name: String, input: Shape, output: Shape, padding: Padding, weights: ParameterTensor, capacity: Int
  ) {
    self.name = name
    inputShape = input
    outputShape = output
    self.weights = weights
    self.padding = padding == .same ? 1 : 0
    tileRows = (output.height + Winograd.outputSide - 1) / Winograd.outputSide
    tileColumns = (output.width + Winograd.outputSide - 1) / Winograd.outputSide
    let tiles = tileRows * tileColumns
    let bytesPerTile = Self.products * (input.channels + output.channels) * MemoryLayout<Float>.stride
    groupSize = min(max(Self.groupBytes / bytesPerTile, 8), tiles * capacity)
    frame = FloatBuffer(
      count: (tileRows * Winograd.outputSide + 2) * (tileColumns * Winograd.outputSide + 2) * input.channels)
    gradientFrame = FloatBuffer(count: frame.count)
    transformedWeights = FloatBuffer(count: Self.products * Self.plane(input.channels * output.channels))
    transformedTransposedWeights = FloatBuffer(count: transformedWeights.count)
    transposedWeights = FloatBuffer(count: weights.count)
    weightGradient = FloatBuffer(count: Self.products * Self.plane(input.channels * output.channels))
    transformedInput = FloatBuffer(count: Self.products * Self.plane(groupSize * input.channels))
    transformedOutput = FloatBuffer(count: Self.products * Self.plane(groupSize * output.channels))
  }

  func prepare(_ parameters: FloatBuffer) {
    let kernel = parameters.pointer + weights.offset
    transformWeights(kernel, into: transformedWeights.pointer)
    let count = inputChannels * outputChannels
    for tap in 0..<Winograd.kernelSide * Winograd.kernelSide {
      transpose(
        kernel + tap * count, rows: inputChannels, columns: outputChannels,
        into: transposedWeights.pointer + tap * count)
    }
    transformWeights(transposedWeights.pointer, into: transformedTransposedWeights.pointer)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    frame.clear()
    forEachGroup(pass.count) { group in
      let rows = group.count
      transformInput(input, group)
      for product in 0..<Self.products {
        gemm(
          rows, outputChannels, inputChannels, transformedInput.pointer + product * inputPlane,
          transformedWeights.pointer + product * weightPlane,
          into: transformedOutput.pointer + product * outputPlane)
      }
      transformOutput(group, to: output)
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (input, outputGradient, gradient) = (input.start, outputGradient.start, gradient.start)
    let inputGradient = inputGradient?.start
    forEachGroup(pass.count) { group in
      let rows = group.count
      transformInput(input, group)
      adjointOutput(of: outputGradient, group)
      for product in 0..<Self.products {
        let tilesIn = transformedInput.pointer + product * inputPlane
        let tilesOut = transformedOutput.pointer + product * outputPlane
        gemm(
          inputChannels, outputChannels, rows, tilesIn, transposeA: true, tilesOut,
          into: weightGradient.pointer + product * weightPlane,
          beta: group.lowerBound == 0 ? 0 : 1)
        if inputGradient != nil {
          gemm(
            rows, inputChannels, outputChannels, tilesOut,
            transformedTransposedWeights.pointer + product * weightPlane, into: tilesIn)
        }
      }
      if let inputGradient { adjointInput(group, into: inputGradient) }
    }
    adjointWeights(into: gradient + weights.offset)
  }

  /// Calls `body` with each group of tiles, counted through the micro-batch.
  @inline(__always)
  private func forEachGroup(_ count: Int, _ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: count * tiles, by: groupSize) {
      body(first..<min(first + groupSize, count * tiles))
    }
  }

  // MARK: - The frame

  private func moveIntoFrame(_ image: UnsafePointer<Float>) {
    let row = inputShape.width * inputChannels
    for y in 0..<inputShape.height {
      (frame.pointer + ((y + padding) * frameColumns + padding) * inputChannels)
        .update(from: image + y * row, count: row)
    }
  }

  private func moveOutOfFrame(_ image: UnsafeMutablePointer<Float>) {
    let row = inputShape.width * inputChannels
    for y in 0..<inputShape.height {
      (image + y * row).update(
        from: gradientFrame.pointer + ((y + padding) * frameColumns + padding) * inputChannels, count: row)
    }
  }

  // MARK: - Transforms, tile by tile and eight channels at once

  private func transformInput(_ images: UnsafePointer<Float>, _ group: Range<Int>) {
    let (channels, plane) = (inputChannels, inputPlane)
    for index in group {
      let tile = Tile(index, rows: tileRows, columns: tileColumns)
      if tile.isFirst { moveIntoFrame(images + tile.sample * inputShape.count) }
      let corner = frame.pointer + offsetInFrame(of: tile)
      let target = transformedInput.pointer + (index - group.lowerBound) * channels
      for c in stride(from: 0, to: channels, by: 8) {
        for column in 0..<Winograd.side {
          (scratch.pointer + column * 8).store(
            Winograd.transformInput((corner + column * channels + c).six(stride: frameColumns * channels)),
            stride: 48)
        }
        for row in 0..<Winograd.side {
          (target + row * Winograd.side * plane + c).store(
            Winograd.transformInput((scratch.pointer + row * 48).six(stride: 8)), stride: plane)
        }
      }
    }
  }

  private func adjointInput(_ group: Range<Int>, into images: UnsafeMutablePointer<Float>) {
    let (channels, plane) = (inputChannels, inputPlane)
    for index in group {
      let tile = Tile(index, rows: tileRows, columns: tileColumns)
      let corner = gradientFrame.pointer + offsetInFrame(of: tile)
      let source = transformedInput.pointer + (index - group.lowerBound) * channels
      for c in stride(from: 0, to: channels, by: 8) {
        for row in 0..<Winograd.side {
          (scratch.pointer + row * 48).store(
            Winograd.adjointInput(
              (source + row * Winograd.side * plane + c).six(stride: plane)), stride: 8)
        }
        for column in 0..<Winograd.side {
          let values = Winograd.adjointInput((scratch.pointer + column * 8).six(stride: 48))
          let target = corner + column * channels + c
          let stride = frameColumns * channels
          // Two rows and two columns are those of the tiles above and to the left too.
          if column < Winograd.overlap && tile.column > 0 {
            target.add(values, stride: stride)
          } else if tile.row > 0 {
            target.addTwoStoreFour(values, stride: stride)
          } else {
            target.store(values, stride: stride)
          }
        }
      }
      if tile.isLast { moveOutOfFrame(images + tile.sample * inputShape.count) }
    }
  }

  private func transformOutput(_ group: Range<Int>, to images: UnsafeMutablePointer<Float>) {
    let (channels, plane) = (outputChannels, outputPlane)
    for index in group {
      let tile = Tile(index, rows: tileRows, columns: tileColumns)
      let source = transformedOutput.pointer + (index - group.lowerBound) * channels
      let (height, width) = (height(of: tile), width(of: tile))
      let corner = images + offsetInOutput(of: tile)
      for c in stride(from: 0, to: channels, by: 8) {
        for column in 0..<Winograd.side {
          (scratch.pointer + column * 8).store(
            Winograd.transformOutput(
              (source + column * plane + c).six(stride: Winograd.side * plane)),
            stride: 48)
        }
        for row in 0..<height {
          let values = Winograd.transformOutput((scratch.pointer + row * 48).six(stride: 8))
          let target = corner + row * outputShape.width * channels + c
          target.store(values.0, at: 0)
          if width > 1 { target.store(values.1, at: channels) }
          if width > 2 { target.store(values.2, at: 2 * channels) }
          if width > 3 { target.store(values.3, at: 3 * channels) }
        }
      }
    }
  }

  private func adjointOutput(of images: UnsafePointer<Float>, _ group: Range<Int>) {
    let (channels, plane) = (outputChannels, outputPlane)
    for index in group {
      let tile = Tile(index, rows: tileRows, columns: tileColumns)
      let target = transformedOutput.pointer + (index - group.lowerBound) * channels
      let (height, width) = (height(of: tile), width(of: tile))
      let corner = images + offsetInOutput(of: tile)
      for c in stride(from: 0, to: channels, by: 8) {
        for row in 0..<Winograd.outputSide {
          var values: Winograd.Four = (.zero, .zero, .zero, .zero)
          if row < height {
            let source = corner + row * outputShape.width * channels + c
            values.0 = source.vector(at: 0)
            if width > 1 { values.1 = source.vector(at: channels) }
            if width > 2 { values.2 = source.vector(at: 2 * channels) }
            if width > 3 { values.3 = source.vector(at: 3 * channels) }
          }
          (scratch.pointer + row * 48).store(Winograd.adjointOutput(values), stride: 8)
        }
        for column in 0..<Winograd.side {
          let lines = scratch.pointer + column * 8
          let four = (lines.vector(at: 0), lines.vector(at: 48), lines.vector(at: 96), lines.vector(at: 144))
          (target + column * plane + c).store(
            Winograd.adjointOutput(four), stride: Winograd.side * plane)
        }
      }
    }
  }

  /// `kernel` is [3, 3, channels, channels] in either order of input and output.
  private func transformWeights(_ kernel: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    let (count, plane) = (inputChannels * outputChannels, weightPlane)
    for i in stride(from: 0, to: count, by: 8) {
      for column in 0..<3 {
        (scratch.pointer + column * 8).store(
          Winograd.transformWeights((kernel + column * count + i).three(stride: 3 * count)), stride: 24)
      }
      for row in 0..<Winograd.side {
        (target + row * Winograd.side * plane + i).store(
          Winograd.transformWeights(UnsafePointer(scratch.pointer + row * 24).three(stride: 8)), stride: plane
        )
      }
    }
  }

  private func adjointWeights(into gradient: UnsafeMutablePointer<Float>) {
    let (count, plane) = (inputChannels * outputChannels, weightPlane)
    for i in stride(from: 0, to: count, by: 8) {
      for row in 0..<Winograd.side {
        (scratch.pointer + row * 24).store(
          Winograd.adjointWeights(
            (weightGradient.pointer + row * Winograd.side * plane + i).six(stride: plane)), stride: 8)
      }
      for column in 0..<3 {
        (gradient + column * count + i).store(
          Winograd.adjointWeights((scratch.pointer + column * 8).six(stride: 24)), stride: 3 * count)
      }
    }
  }

  // MARK: - Where tiles lie

  private struct Tile {
    let sample: Int
    let row: Int
    let column: Int
    /// Of its sample.
    let isFirst: Bool
    let isLast: Bool

    /// Tile `index` of the micro-batch; a sample has `rows` · `columns`.
    init(_ index: Int, rows: Int, columns: Int) {
      sample = index / (rows * columns)
      let rest = index - sample * rows * columns
      row = rest / columns
      column = rest - row * columns
      isFirst = rest == 0
      isLast = rest == rows * columns - 1
    }
  }

  /// A tile's first input in the frame.
  private func offsetInFrame(of tile: Tile) -> Int {
    (tile.row * frameColumns + tile.column) * Winograd.outputSide * inputChannels
  }

  /// A tile's first output in the micro-batch's.
  private func offsetInOutput(of tile: Tile) -> Int {
    let position = (tile.row * outputShape.width + tile.column) * Winograd.outputSide
    return tile.sample * outputShape.count + position * outputChannels
  }

  /// Rows of a tile that lie in the output.
  private func height(of tile: Tile) -> Int {
    min(Winograd.outputSide, outputShape.height - tile.row * Winograd.outputSide)
  }

  /// Columns of a tile that lie in the output.
  private func width(of tile: Tile) -> Int {
    min(Winograd.outputSide, outputShape.width - tile.column * Winograd.outputSide)
  }
}
