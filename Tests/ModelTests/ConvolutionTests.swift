import CConvolutions
import Model
import Tensors
import Testing

/// Convolutions by other ways than products of im2col's matrices.
@Suite struct ConvolutionTests {
  /// Numbers from −1 to 1, nearly half of them zero, as in images, so that windows have several largest values.
  private static func numbers(_ count: Int, _ salt: UInt64) -> [Float] {
    let generator = CounterGenerator(seed: salt, for: .test)
    return (0..<count).map { index in
      let value = Float(generator.uniform(at: UInt64(index)) * 3 - 2)
      return value < -1 ? 0 : value
    }
  }

  /// What a network makes of random images, and the gradient of its parameters for a random one of its logits.
  private static func pass(
    _ text: String, shape: Shape, count: Int, parameters: [Float]
  ) throws -> (logits: [Float], gradient: [Float]) {
    let network = try Network(NetworkSpecification(text), input: shape, capacity: count)
    try #require(network.layout.count == parameters.count)
    let buffer = FloatBuffer(parameters)
    network.prepare(buffer)
    for (index, value) in numbers(count * shape.count, 1).enumerated() {
      network.input.pointer[index] = value
    }
    network.forward(count: count)
    let span = network.logits
    let logits = span.indices.map { span[$0] }
    var logitGradient = network.logitGradient
    for (index, value) in numbers(logits.count, 2).enumerated() { logitGradient[index] = value }
    let gradient = FloatBuffer(count: parameters.count)
    for index in 0..<gradient.count { gradient.pointer[index] = .nan }
    var gradientSpan = gradient.mutableSpan
    network.backward(count: count, gradient: &gradientSpan)
    return (logits, Array(gradient.elements))
  }

  /// The first convolution does what im2col, max pooling, bias and ReLU do one after the other, to the bit. The same
  /// layers behind a convolution that passes the image on are computed in that way.
  @Test(arguments: [
    (28, 28, 1, "conv 16x5 stride 2; relu"), (28, 28, 1, "conv 32x3; maxpool 2; relu"),
    (28, 28, 1, "conv 24x5 stride 2; relu"), (28, 28, 1, "conv 40x3 same; relu"),
    (13, 30, 1, "conv 9x3 same; relu; maxpool 2"), (11, 27, 3, "conv 24x3 same; relu"),
    (30, 13, 2, "conv 5x7 stride 2 same; maxpool 3"), (12, 17, 1, "conv 70x1; maxpool 2 stride 3; relu"),
    (20, 25, 1, "conv 17x9; maxpool 2"), (15, 15, 1, "conv 33x11 same; relu"),
    (19, 22, 4, "conv 12x5; relu; maxpool 2"), (14, 9, 1, "conv 57x3; maxpool 3 stride 4; relu"),
    (21, 16, 1, "conv 20x3; relu; maxpool 3 stride 2"), (40, 37, 1, "conv 8x3; maxpool 16; relu"),
    (28, 28, 1, "conv 48x5; maxpool 5"), (9, 9, 1, "conv 6x3"), (17, 17, 5, "conv 31x3 stride 2 same; relu"),
    (3, 40, 1, "conv 30x3; relu"), (16, 16, 1, "maxpool 2; conv 25x3; maxpool 2; relu"),
    (11, 12, 1, "conv 20x3 same; maxpool 1 stride 2; relu"), (5, 9, 1, "conv 18x13 same; maxpool 2"),
  ])
  func theFirstOneHasTheBitsOfItsParts(_ height: Int, _ width: Int, _ channels: Int, _ layers: String) throws
  {
    let (shape, count, text) = (Shape(height, width, channels), 7, layers + "; dense 10")
    let layout = try Network(NetworkSpecification(text), input: shape, capacity: 1).layout
    let parameters = Self.numbers(layout.count, 3)
    var passing = [Float](repeating: 0, count: channels * channels + channels)
    for channel in 0..<channels { passing[channel * channels + channel] = 1 }
    let alone = try Self.pass(text, shape: shape, count: count, parameters: parameters)
    let behind = try Self.pass(
      "conv \(channels)x1; " + text, shape: shape, count: count, parameters: passing + parameters)
    #expect(alone.logits.map(\.bitPattern) == behind.logits.map(\.bitPattern))
    let rest = behind.gradient.dropFirst(passing.count)
    for tensor in layout.tensors {
      let (a, b) = (alone.gradient[tensor.range], rest.dropFirst(tensor.offset).prefix(tensor.count))
      #expect(a.map(\.bitPattern) == b.map(\.bitPattern), "\(tensor.name)")
    }
  }

  /// Winograd's F(3×3, 3×3) against direct convolution in `Double`: the output, the gradient of the weights, and that of
  /// the input, of which the weights of a convolution in front tell. Larger tiles would take more products of these outputs.
  @Test(arguments: [
    (5, 5, 32, 64, "", 4), (5, 5, 24, 48, "", 3), (5, 8, 16, 24, "", 3), (6, 3, 16, 8, " same", 5),
    (5, 11, 40, 8, "", 2), (3, 9, 16, 8, " same", 13), (4, 5, 16, 16, "", 40),
  ])
  func smallTilesAreAccurate(
    _ height: Int, _ width: Int, _ ins: Int, _ outs: Int, _ padding: String, _ count: Int
  ) throws {
    let shape = Shape(height, width, ins)
    let border = padding.isEmpty ? 0 : 1
    let (outHeight, outWidth) = (height - 2 + 2 * border, width - 2 + 2 * border)
    let features = outHeight * outWidth * outs
    var passing = [Float](repeating: 0, count: ins * ins + ins)
    for channel in 0..<ins { passing[channel * ins + channel] = 1 }
    var through = [Float](repeating: 0, count: features * features + features)
    for feature in 0..<features { through[feature * features + feature] = 1 }
    let weights = Self.numbers(9 * ins * outs, 3)
    let (logits, gradient) = try Self.pass(
      "conv \(ins)x1; conv \(outs)x3\(padding); dense \(features)", shape: shape, count: count,
      parameters: passing + weights + [Float](repeating: 0, count: outs) + through)

    let images = Self.numbers(count * shape.count, 1).map(Double.init)
    let outputGradient = Self.numbers(count * features, 2).map(Double.init)
    let kernel = weights.map(Double.init)
    var output = [Double](repeating: 0, count: count * features)
    var inputGradient = [Double](repeating: 0, count: images.count)
    var weightGradient = [Double](repeating: 0, count: kernel.count)
    for place in 0..<count * outHeight * outWidth {
      let (sample, y, x) = (place / (outHeight * outWidth), place / outWidth % outHeight, place % outWidth)
      for tap in 0..<9 {
        let (row, column) = (y + tap / 3 - border, x + tap % 3 - border)
        guard 0..<height ~= row, 0..<width ~= column else { continue }
        for i in 0..<ins {
          let pixel = ((sample * height + row) * width + column) * ins + i
          for o in 0..<outs {
            let (weight, result) = ((tap * ins + i) * outs + o, place * outs + o)
            output[result] += images[pixel] * kernel[weight]
            inputGradient[pixel] += outputGradient[result] * kernel[weight]
            weightGradient[weight] += outputGradient[result] * images[pixel]
          }
        }
      }
    }
    var passingGradient = [Double](repeating: 0, count: ins * ins)
    for pixel in 0..<images.count / ins {
      for i in 0..<ins {
        for j in 0..<ins {
          passingGradient[i * ins + j] += images[pixel * ins + i] * inputGradient[pixel * ins + j]
        }
      }
    }
    #expect(error(logits, output) < 1e-6)
    #expect(error(Array(gradient[passing.count...].prefix(weights.count)), weightGradient) < 2e-6)
    #expect(error(Array(gradient.prefix(ins * ins)), passingGradient) < 2e-6)
  }

  /// The root of the mean squared error, relative to that of the values.
  private func error(_ values: [Float], _ expected: [Double]) -> Double {
    let difference = zip(values, expected).reduce(0.0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return (difference / expected.reduce(0.0) { $0 + $1 * $1 }).squareRoot()
  }

  /// Vectors that this processor has.
  private static let widths = [4, 8, 16].filter { OwnProducts(lanes: $0) != nil }

  /// Vectors of 4, 8 and 16 floats give the same bits, whatever the layer's shape.
  @Test(arguments: 0..<120) func theFirstOneIsTheSameInVectorsOfAnyWidth(_ number: Int) {
    var draw = Draw(number)
    let (kernel, stride, channels) = (1 + 2 * draw.below(4), 1 + draw.below(3), 1 + draw.below(3))
    let outs = 1 + draw.below(75)
    let (height, width) = (3 + draw.below(9), 3 + draw.below(28))
    let pool = draw.below(2) == 0 ? 1 : 2 + draw.below(2)
    let poolStride = pool == 1 ? 1 : pool + draw.below(2)
    let (rows, columns) = ((height - pool) / poolStride + 1, (width - pool) / poolStride + 1)
    let frameRow = ((width - 1) * stride + kernel) * channels
    let frame = ((height - 1) * stride + kernel) * frameRow
    let padded = (outs + 7) / 8 * 8
    var layer = cconvolutions_first(
      kernel: kernel, run: kernel * channels, step: stride * channels, row_step: stride * frameRow,
      frame_row: frameRow, frame: frame, height: height, width: width, channels: outs, padded: padded,
      pool: pool,
      pool_stride: poolStride, pooled_height: rows, pooled_width: columns, adds_bias: true, rectifies: true)
    let count = 2
    let frames = Self.numbers(count * frame, 1)
    let (taps, places) = (kernel * kernel * channels, count * rows * columns)
    var weights = [Float](repeating: 0, count: (taps + 1) * padded)
    for (index, value) in Self.numbers((taps + 1) * outs, 2).enumerated() {
      weights[index / outs * padded + index % outs] = value
    }
    var results: [[UInt32]] = []
    for lanes in Self.widths.map(Int32.init) {
      var band = [Float](repeating: 0, count: pool * width * padded)
      var output = [Float](repeating: 0, count: places * outs + 16)
      var winners = [UInt8](repeating: 0, count: places * padded)
      var gradient = Self.numbers(places * outs, 3) + [Float](repeating: 0, count: 16)
      var (biasGradient, weightGradient) = (Self.numbers(outs, 4), Self.numbers(taps * outs, 5))
      cconvolutions_first_forward(lanes, &layer, count, frames, weights, &band, &output, &winners)
      cconvolutions_first_mask(lanes, &layer, places, output, &gradient, true, &biasGradient)
      cconvolutions_first_weights(lanes, &layer, count, frames, gradient, winners, true, &weightGradient)
      results.append((output + gradient + biasGradient + weightGradient).map(\.bitPattern))
    }
    #expect(Set(results).count == 1, "\(layer)")
  }

  @Test(arguments: 0..<40) func smallTilesAreTheSameInVectorsOfAnyWidth(_ number: Int) {
    var draw = Draw(1000 + number)
    let (ins, outs) = (16 + 8 * draw.below(4), 8 + 8 * draw.below(6))
    let (height, width) = (1 + draw.below(8), 1 + draw.below(8))
    let (rows, columns) = ((height + 2) / 3, (width + 2) / 3)
    let frameRow = (3 * columns + 2) * ins
    let count = 1 + draw.below(3)
    let tiles = count * rows * columns
    let planes = (ins: 16 + tiles * ins, outs: 16 + tiles * outs, weights: 16 + ins * outs)
    var layer = cconvolutions_winograd(
      tile_rows: rows, tile_columns: columns, height: height, width: width, in: ins, out: outs,
      frame_row: frameRow, frame: (3 * rows + 2) * frameRow, in_plane: planes.ins, out_plane: planes.outs,
      weight_plane: planes.weights)
    let frames = Self.numbers(count * layer.frame, 1)
    let kernel = Self.numbers(9 * ins * outs, 2)
    let outputGradient = Self.numbers(count * height * width * outs, 3)
    var results: [[UInt32]] = []
    for lanes in Self.widths.map(Int32.init) {
      var weights = [Float](repeating: 0, count: 25 * planes.weights)
      var input = [Float](repeating: 0, count: 25 * planes.ins)
      var products = [Float](repeating: 0, count: 25 * planes.outs)
      var output = [Float](repeating: 0, count: outputGradient.count)
      var (weightGradient, inputGradient) = (Self.numbers(kernel.count, 4), frames)
      cconvolutions_winograd_weights(lanes, &layer, kernel, &weights)
      cconvolutions_winograd_input(lanes, &layer, 0, tiles, frames, &input)
      cconvolutions_winograd_products(
        lanes, tiles, outs, ins, input, planes.ins, weights, planes.weights, &products, planes.outs)
      cconvolutions_winograd_output(lanes, &layer, 0, tiles, products, &output)
      cconvolutions_winograd_output_gradient(lanes, &layer, 0, tiles, outputGradient, &products)
      cconvolutions_winograd_weight_gradient(lanes, &layer, tiles, input, products, true, &weightGradient)
      cconvolutions_winograd_input_gradient(lanes, &layer, 0, tiles, input, &inputGradient)
      results.append((output + weightGradient + inputGradient).map(\.bitPattern))
    }
    #expect(Set(results).count == 1, "\(layer)")
  }

  /// Random whole numbers, the same in every run.
  private struct Draw {
    private let generator: CounterGenerator
    private var next: UInt64 = 0

    init(_ number: Int) {
      generator = CounterGenerator(seed: 11, for: .test, UInt64(number))
    }

    mutating func below(_ bound: Int) -> Int {
      defer { next += 1 }
      return generator.below(bound, at: next)
    }
  }
}
