internal import Tensors

/// A 3×3 convolution of stride 1, without its bias, by Winograd's F(4×4, 3×3): 36 products of transformed tiles
/// and weights per pass instead of 144 multiplications per tile and pair of channels, done by `sgemm`.
///
/// The input is copied into a frame of zeros, so that tiles need no bounds; the last tiles may reach beyond the
/// output, where nothing is written. Transforms run over eight channels at once.
final class WinogradConvolution: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false

  private static let products = Winograd.side * Winograd.side
  /// Rows of a product that a group of samples should not exceed, unless one sample alone does.
  private static let rowsPerProduct = 24

  private let weights: ParameterTensor
  private let padding: Int
  private let tileRows: Int
  private let tileColumns: Int
  /// Samples that go through the products together: enough rows for `sgemm`, few enough for the core's cache.
  private let groupSize: Int
  /// [4 · tile rows + 2, 4 · tile columns + 2, in]: one sample in its frame.
  private let frame: FloatBuffer
  /// [36, in, out]: G g Gᵀ.
  private let transformedWeights: FloatBuffer
  /// [36, in, out]: the gradient of `transformedWeights`.
  private let weightGradient: FloatBuffer
  /// [groups, 36, group · tiles, in]: Bᵀ d B of the whole micro-batch; after `backward` its gradient.
  private let transformedInput: FloatBuffer
  /// [36, group · tiles, out]: one group's products, or in `backward` their gradient.
  private let transformedOutput: FloatBuffer
  /// 36 vectors between the two directions of a transform.
  private let scratch = FloatBuffer(count: products * 8)

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
    groupSize = min(max(Self.rowsPerProduct / tiles, 1), capacity)
    frame = FloatBuffer(
      count: (tileRows * Winograd.outputSide + 2) * (tileColumns * Winograd.outputSide + 2) * input.channels)
    transformedWeights = FloatBuffer(count: Self.products * input.channels * output.channels)
    weightGradient = FloatBuffer(count: Self.products * input.channels * output.channels)
    transformedInput = FloatBuffer(count: Self.products * capacity * tiles * input.channels)
    transformedOutput = FloatBuffer(count: Self.products * groupSize * tiles * output.channels)
  }

  func prepare(_ parameters: UnsafePointer<Float>) {
    let count = inputChannels * outputChannels
    let g = parameters + weights.offset
    for i in stride(from: 0, to: count, by: 8) {
      for column in 0..<3 {
        (scratch.pointer + column * 8).store(
          Winograd.transformWeights((g + column * count + i).three(stride: 3 * count)), stride: 24)
      }
      for row in 0..<Winograd.side {
        (transformedWeights.pointer + row * Winograd.side * count + i).store(
          Winograd.transformWeights(UnsafePointer(scratch.pointer + row * 24).three(stride: 8)), stride: count
        )
      }
    }
  }

  func forward(_ pass: Pass, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
    frame.clear()
    forEachGroup(pass.count) { samples, rows, tilesIn in
      for (index, sample) in samples.enumerated() {
        moveIntoFrame(input + sample * inputShape.count)
        transformInput(into: tilesIn, firstRow: index * tiles, rows: rows)
      }
      for product in 0..<Self.products {
        gemm(
          rows, outputChannels, inputChannels, tilesIn + product * rows * inputChannels,
          transformedWeights.pointer + product * inputChannels * outputChannels,
          into: transformedOutput.pointer + product * rows * outputChannels)
      }
      for (index, sample) in samples.enumerated() {
        transformOutput(to: output + sample * outputShape.count, firstRow: index * tiles, rows: rows)
      }
    }
  }

  func backward(
    _ pass: Pass, output: UnsafePointer<Float>, input: UnsafePointer<Float>,
    outputGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    gradient: UnsafeMutablePointer<Float>
  ) {
    forEachGroup(pass.count) { samples, rows, tilesIn in
      for (index, sample) in samples.enumerated() {
        adjointOutput(of: outputGradient + sample * outputShape.count, firstRow: index * tiles, rows: rows)
      }
      for product in 0..<Self.products {
        let tilesIn = tilesIn + product * rows * inputChannels
        let tilesOut = transformedOutput.pointer + product * rows * outputChannels
        gemm(
          inputChannels, outputChannels, rows, tilesIn, transposeA: true, tilesOut,
          into: weightGradient.pointer + product * inputChannels * outputChannels,
          beta: samples.lowerBound == 0 ? 0 : 1)
        if inputGradient != nil {
          gemm(
            rows, inputChannels, outputChannels, tilesOut,
            transformedWeights.pointer + product * inputChannels * outputChannels, transposeB: true,
            into: tilesIn)
        }
      }
      guard let inputGradient else { return }
      for (index, sample) in samples.enumerated() {
        frame.clear()
        adjointInput(of: tilesIn, firstRow: index * tiles, rows: rows)
        moveOutOfFrame(inputGradient + sample * inputShape.count)
      }
    }
    adjointWeights(into: gradient + weights.offset)
  }

  /// Calls `body` with each group's samples, its rows in a product, and its transformed input.
  @inline(__always)
  private func forEachGroup(
    _ count: Int, _ body: (_ samples: Range<Int>, _ rows: Int, _ tilesIn: UnsafeMutablePointer<Float>) -> Void
  ) {
    for first in stride(from: 0, to: count, by: groupSize) {
      let samples = first..<min(first + groupSize, count)
      body(
        samples, samples.count * tiles,
        transformedInput.pointer + Self.products * first * tiles * inputChannels)
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
        from: frame.pointer + ((y + padding) * frameColumns + padding) * inputChannels, count: row)
    }
  }

  // MARK: - Transforms, tile by tile and eight channels at once

  private func transformInput(into tilesIn: UnsafeMutablePointer<Float>, firstRow: Int, rows: Int) {
    let channels = inputChannels
    forEachTile { ty, tx, tile in
      let corner =
        frame.pointer + (ty * Winograd.outputSide * frameColumns + tx * Winograd.outputSide) * channels
      let target = tilesIn + (firstRow + tile) * channels
      for c in stride(from: 0, to: channels, by: 8) {
        for column in 0..<Winograd.side {
          (scratch.pointer + column * 8).store(
            Winograd.transformInput((corner + column * channels + c).six(stride: frameColumns * channels)),
            stride: 48)
        }
        for row in 0..<Winograd.side {
          (target + row * Winograd.side * rows * channels + c).store(
            Winograd.transformInput((scratch.pointer + row * 48).six(stride: 8)), stride: rows * channels)
        }
      }
    }
  }

  private func adjointInput(of tilesIn: UnsafeMutablePointer<Float>, firstRow: Int, rows: Int) {
    let channels = inputChannels
    forEachTile { ty, tx, tile in
      let corner =
        frame.pointer + (ty * Winograd.outputSide * frameColumns + tx * Winograd.outputSide) * channels
      let source = tilesIn + (firstRow + tile) * channels
      for c in stride(from: 0, to: channels, by: 8) {
        for row in 0..<Winograd.side {
          (scratch.pointer + row * 48).store(
            Winograd.adjointInput(
              (source + row * Winograd.side * rows * channels + c).six(stride: rows * channels)), stride: 8)
        }
        for column in 0..<Winograd.side {
          (corner + column * channels + c).add(
            Winograd.adjointInput((scratch.pointer + column * 8).six(stride: 48)),
            stride: frameColumns * channels)
        }
      }
    }
  }

  private func transformOutput(to image: UnsafeMutablePointer<Float>, firstRow: Int, rows: Int) {
    let channels = outputChannels
    forEachTile { ty, tx, tile in
      let source = transformedOutput.pointer + (firstRow + tile) * channels
      let (y, x) = (ty * Winograd.outputSide, tx * Winograd.outputSide)
      let height = min(Winograd.outputSide, outputShape.height - y)
      let width = min(Winograd.outputSide, outputShape.width - x)
      let corner = image + (y * outputShape.width + x) * channels
      for c in stride(from: 0, to: channels, by: 8) {
        for column in 0..<Winograd.side {
          (scratch.pointer + column * 8).store(
            Winograd.transformOutput(
              (source + column * rows * channels + c).six(stride: Winograd.side * rows * channels)),
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

  private func adjointOutput(of image: UnsafePointer<Float>, firstRow: Int, rows: Int) {
    let channels = outputChannels
    forEachTile { ty, tx, tile in
      let target = transformedOutput.pointer + (firstRow + tile) * channels
      let (y, x) = (ty * Winograd.outputSide, tx * Winograd.outputSide)
      let height = min(Winograd.outputSide, outputShape.height - y)
      let width = min(Winograd.outputSide, outputShape.width - x)
      let corner = image + (y * outputShape.width + x) * channels
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
          (target + column * rows * channels + c).store(
            Winograd.adjointOutput(four), stride: Winograd.side * rows * channels)
        }
      }
    }
  }

  private func adjointWeights(into gradient: UnsafeMutablePointer<Float>) {
    let count = inputChannels * outputChannels
    for i in stride(from: 0, to: count, by: 8) {
      for row in 0..<Winograd.side {
        (scratch.pointer + row * 24).store(
          Winograd.adjointWeights(
            (weightGradient.pointer + row * Winograd.side * count + i).six(stride: count)), stride: 8)
      }
      for column in 0..<3 {
        (gradient + column * count + i).store(
          Winograd.adjointWeights((scratch.pointer + column * 8).six(stride: 24)), stride: 3 * count)
      }
    }
  }

  @inline(__always)
  private func forEachTile(_ body: (_ row: Int, _ column: Int, _ tile: Int) -> Void) {
    for row in 0..<tileRows {
      for column in 0..<tileColumns {
        body(row, column, row * tileColumns + column)
      }
    }
  }
}
