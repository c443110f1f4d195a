internal import CWinograd
internal import Tensors

/// A 3×3 convolution of stride 1, without its bias, by Winograd's F(m×m, 3×3) (Lavin, Gray 2016): (m + 2)² products of
/// transformed tiles and weights per pass instead of 9 m² multiplications per tile and pair of channels, done by `gemm`;
/// with the maximum over windows of 2×2 behind it, if there is one, taken while a few rows' outputs are in the core's
/// nearest cache.
///
/// The transforms are `CWinograd`'s, tile by tile and a vector of channels at a time.
final class WinogradConvolution: Layer {
  let name: String
  let inputShape: Shape
  let outputShape: Shape
  let isInPlace = false
  let isTrainable = true

  private static let taps = 9
  /// What a group's transformed tiles, in and out, may take of the core's second-level cache; the transformed
  /// weights need room beside them.
  private static let groupBytes = 1024 * 1024
  /// The fewest rows of a product that are worth a call.
  private static let fewestTiles = 8

  private let weights: ParameterTensor
  private let maps: cwinograd_maps
  private var geometry: cwinograd_geometry
  private let inputChannels: Int
  private let outputChannels: Int
  /// (m + 2)².
  private let products: Int
  /// Of a sample.
  private let tiles: Int
  /// Tiles that go through the products together, each a row of them: those of some samples, or some rows of a sample's.
  private let groupSize: Int
  /// From one product's operands to the next one's.
  private let inputPlane: Int
  private let outputPlane: Int
  private let weightPlane: Int
  /// [products, in, out]: G g Gᵀ.
  private let transformedWeights: FloatBuffer
  /// [3, 3, out, in]: the weights transposed, and [products, out, in]: transformed. `gemm` is quickest for
  /// matrices without transposition.
  private let transposedWeights: FloatBuffer
  private let transformedTransposedWeights: FloatBuffer
  /// [products, in, out]: the gradient of `transformedWeights`.
  private let weightGradient: FloatBuffer
  /// [products, tiles of the group, in]: Bᵀ d B of one group, in `backward` then its gradient. Transforming a second
  /// time there is quicker than fetching a whole micro-batch's from memory.
  private let transformedInput: FloatBuffer
  /// [products, tiles of the group, out]: one group's products, or in `backward` their gradient.
  private let transformedOutput: FloatBuffer
  /// Where tiles reach beyond an image: what is read there, and what is written.
  private let zeros: FloatBuffer
  private let spare: FloatBuffer
  /// A few rows' outputs before pooling.
  private let band: FloatBuffer
  /// [capacity, oh, ow, out] with pooling: which of a window's four values, row by row, held the maximum.
  private let winners: UnsafeMutablePointer<UInt8>

  /// At least `count` floats, an odd number of cache lines: a transform touches the same place of all planes,
  /// which at a power of two apart would fall into the same few sets of the cache.
  static func plane(_ count: Int) -> Int {
    ((count + 15) / 16 | 1) * 16
  }

  /// How an output is cut into tiles.
  struct Tiling: Hashable {
    /// Outputs of a tile along one side: m.
    let side: Int
    let rows: Int
    let columns: Int

    /// Products of a pair of channels.
    var productCount: Int { (side + 2) * (side + 2) * rows * columns }

    /// The tiling of `output` with the fewest products; of equal ones that of the smallest tiles, whose rounding errors
    /// are the smallest too.
    init(_ output: Shape) {
      var best = Tiling(output, side: 4)
      for side in 5...6 {
        let tiling = Tiling(output, side: side)
        if tiling.productCount < best.productCount { best = tiling }
      }
      self = best
    }

    private init(_ output: Shape, side: Int) {
      self.side = side
      rows = (output.height + side - 1) / side
      columns = (output.width + side - 1) / side
    }
  }

  /// Whether the shapes suit this algorithm better than im2col: whole vectors of channels, and tiles that are
  /// mostly filled.
  static func suits(kernel: Int, stride: Int, input: Shape, output: Shape) -> Bool {
    kernel == 3 && stride == 1 && input.channels % 8 == 0 && output.channels % 8 == 0
      && input.channels >= 16 && 2 * Tiling(output).productCount < taps * output.height * output.width
  }

  /// A convolution whose outputs, before pooling, have the shape `output`; `pools` says whether the maximum over windows of
  /// 2×2, 2 apart, is the layer's output; the transforms take `lanes` floats at once.
  init(
    name: String, input: Shape, output: Shape, padding: Padding, pools: Bool, weights: ParameterTensor,
    capacity: Int, lanes: Int = Products.shared.own.lanes
  ) {
    var output = output
    // Nobody looks at outputs that no window has.
    if pools { output = Shape(output.height / 2 * 2, output.width / 2 * 2, output.channels) }
    let tiling = Tiling(output)
    guard let maps = cwinograd_maps_of(Int32(tiling.side), Int32(lanes)) else {
      preconditionFailure("vectors of \(lanes) floats")
    }
    self.name = name
    self.maps = maps.pointee
    self.weights = weights
    inputShape = input
    outputShape = pools ? Shape(output.height / 2, output.width / 2, output.channels) : output
    (inputChannels, outputChannels) = (input.channels, output.channels)
    products = (tiling.side + 2) * (tiling.side + 2)
    tiles = tiling.rows * tiling.columns
    let tileBytes = products * (input.channels + output.channels) * MemoryLayout<Float>.stride
    let samples = max(Self.groupBytes / (tiles * tileBytes), (Self.fewestTiles + tiles - 1) / tiles)
    let bandTiles = (pools ? cwinograd_band_rows(Int32(tiling.side)) : 1) * tiling.columns
    groupSize =
      tiles * tileBytes <= Self.groupBytes || tiles < Self.fewestTiles
      ? min(samples, capacity) * tiles
      : min(max(Self.groupBytes / (bandTiles * tileBytes), 1) * bandTiles, tiles)
    inputPlane = Self.plane(groupSize * input.channels)
    outputPlane = Self.plane(groupSize * output.channels)
    weightPlane = Self.plane(input.channels * output.channels)
    transformedWeights = FloatBuffer(count: products * weightPlane)
    transformedTransposedWeights = FloatBuffer(count: transformedWeights.count)
    transposedWeights = FloatBuffer(count: weights.count)
    weightGradient = FloatBuffer(count: products * weightPlane)
    transformedInput = FloatBuffer(count: products * inputPlane)
    transformedOutput = FloatBuffer(count: products * outputPlane)
    zeros = FloatBuffer(count: max(input.channels, output.channels))
    spare = FloatBuffer(count: zeros.count)
    band = FloatBuffer(count: pools ? 2 * tiling.side * (tiling.columns * tiling.side + 1) * 16 : 1)
    winners = .allocate(capacity: pools ? capacity * outputShape.count : 1)
    geometry = cwinograd_geometry(
      input_height: input.height, input_width: input.width, input_channels: input.channels,
      output_height: output.height, output_width: output.width, output_channels: output.channels,
      padding: padding == .same ? 1 : 0, tile_rows: tiling.rows, tile_columns: tiling.columns,
      input_plane: inputPlane, output_plane: outputPlane, pools: pools, zeros: zeros.pointer,
      spare: spare.pointer,
      band: band.pointer)
  }

  deinit { winners.deallocate() }

  func prepare(_ parameters: FloatBuffer) {
    let kernel = parameters.pointer + weights.offset
    let count = inputChannels * outputChannels
    maps.transform_weights(count, weightPlane, kernel, transformedWeights.pointer)
    for tap in 0..<Self.taps {
      transpose(
        kernel + tap * count, rows: inputChannels, columns: outputChannels,
        into: transposedWeights.pointer + tap * count)
    }
    maps.transform_weights(
      count, weightPlane, transposedWeights.pointer, transformedTransposedWeights.pointer)
  }

  func forward(_ pass: Pass, input: Span<Float>, output: inout MutableSpan<Float>) {
    let (input, output) = (input.start, output.start)
    forEachGroup(pass.count) { group in
      maps.transform_input(&geometry, group.lowerBound, group.count, input, transformedInput.pointer)
      for product in 0..<products {
        gemm(
          group.count, outputChannels, inputChannels, transformedInput.pointer + product * inputPlane,
          transformedWeights.pointer + product * weightPlane,
          into: transformedOutput.pointer + product * outputPlane)
      }
      maps.transform_output(
        &geometry, group.lowerBound, group.count, transformedOutput.pointer, output, winners)
    }
  }

  func backward(
    _ pass: Pass, output: Span<Float>, input: Span<Float>, outputGradient: inout MutableSpan<Float>,
    inputGradient: inout MutableSpan<Float>?, gradient: inout MutableSpan<Float>
  ) {
    let (input, outputGradient, gradient) = (input.start, outputGradient.start, gradient.start)
    let inputGradient = inputGradient?.start
    forEachGroup(pass.count) { group in
      let (first, rows) = (group.lowerBound, group.count)
      maps.transform_input(&geometry, first, rows, input, transformedInput.pointer)
      maps.adjoint_output(&geometry, first, rows, outputGradient, winners, transformedOutput.pointer)
      for product in 0..<products {
        let tilesIn = transformedInput.pointer + product * inputPlane
        let tilesOut = transformedOutput.pointer + product * outputPlane
        gemm(
          inputChannels, outputChannels, rows, tilesIn, transposeA: true, tilesOut,
          into: weightGradient.pointer + product * weightPlane, beta: first == 0 ? 0 : 1)
        if inputGradient != nil {
          gemm(
            rows, inputChannels, outputChannels, tilesOut,
            transformedTransposedWeights.pointer + product * weightPlane, into: tilesIn)
        }
      }
      if let inputGradient {
        maps.adjoint_input(&geometry, first, rows, transformedInput.pointer, inputGradient)
      }
    }
    maps.adjoint_weights(
      inputChannels * outputChannels, weightPlane, weightGradient.pointer, gradient + weights.offset)
  }

  /// Calls `body` with each group of tiles, counted through the micro-batch.
  @inline(__always)
  private func forEachGroup(_ count: Int, _ body: (Range<Int>) -> Void) {
    // A group of part of a sample ends with it.
    let whole = groupSize < tiles ? tiles : count * tiles
    for start in stride(from: 0, to: count * tiles, by: whole) {
      for first in stride(from: start, to: start + whole, by: groupSize) {
        body(first..<min(first + groupSize, start + whole))
      }
    }
  }
}
