import CWinograd
import Tensors
import Testing

/// Winograd's maps for tiles of 4×4 to 6×6 outputs, in every width of vectors that this processor has.
@Suite struct WinogradTests {
  /// A convolution by the maps, with products in plain Swift, in vectors of `lanes`.
  private final class Convolution {
    static let (inputs, outputs) = (24, 40)
    let maps: cwinograd_maps
    var geometry: cwinograd_geometry
    let products: Int
    let tiles: Int
    let (zeros, spare) = (FloatBuffer(count: 40), FloatBuffer(count: 40))
    let band: FloatBuffer
    let (inputPlanes, outputPlanes): (FloatBuffer, FloatBuffer)
    let output: FloatBuffer
    var winners: [UInt8]

    init(_ shape: Shape, side: Int, lanes: Int, pools: Bool) throws {
      maps = try #require(cwinograd_maps_of(Int32(side), Int32(lanes))).pointee
      var (height, width) = (shape.height + 2 * shape.padding - 2, shape.width + 2 * shape.padding - 2)
      if pools { (height, width) = (height / 2 * 2, width / 2 * 2) }
      let (rows, columns) = ((height + side - 1) / side, (width + side - 1) / side)
      products = (side + 2) * (side + 2)
      tiles = shape.samples * rows * columns
      band = FloatBuffer(count: 2 * side * (columns * side + 1) * 16)
      inputPlanes = FloatBuffer(count: products * tiles * Self.inputs)
      outputPlanes = FloatBuffer(count: products * tiles * Self.outputs)
      output = FloatBuffer(count: shape.samples * height * width * Self.outputs / (pools ? 4 : 1))
      winners = Array(repeating: 0, count: output.count)
      geometry = cwinograd_geometry(
        input_height: shape.height, input_width: shape.width, input_channels: Self.inputs,
        output_height: height, output_width: width, output_channels: Self.outputs, padding: shape.padding,
        tile_rows: rows, tile_columns: columns, input_plane: tiles * Self.inputs,
        output_plane: tiles * Self.outputs, pools: pools, zeros: zeros.pointer, spare: spare.pointer,
        band: band.pointer)
    }

    func run(_ images: [Float], _ kernel: [Float]) {
      let (inputs, outputs) = (Self.inputs, Self.outputs)
      let weights = FloatBuffer(count: products * inputs * outputs)
      maps.transform_weights(inputs * outputs, inputs * outputs, kernel, weights.pointer)
      maps.transform_input(&geometry, 0, tiles, images, inputPlanes.pointer)
      for product in 0..<products {
        gemm(
          tiles, outputs, inputs, inputPlanes.pointer + product * tiles * inputs,
          weights.pointer + product * inputs * outputs, into: outputPlanes.pointer + product * tiles * outputs
        )
      }
      maps.transform_output(&geometry, 0, tiles, outputPlanes.pointer, output.pointer, &winners)
    }
  }

  struct Shape: CustomTestStringConvertible {
    var samples = 2
    var height: Int
    var width: Int
    var padding: Int
    var testDescription: String { "\(height)×\(width) in a frame of \(padding)" }
  }

  /// Tiles that fill the output, that reach beyond it, and that are larger than it.
  static let shapes = [
    Shape(height: 13, width: 13, padding: 0), Shape(height: 12, width: 9, padding: 1),
    Shape(height: 5, width: 5, padding: 0), Shape(height: 7, width: 17, padding: 1),
  ]
  static let sides = [4, 5, 6]

  private func numbers(_ count: Int, salt: Int) -> [Float] { Fixtures.pseudo(count, salt: salt) }

  private func images(_ shape: Shape) -> [Float] {
    numbers(shape.samples * shape.height * shape.width * Convolution.inputs, salt: 1)
  }

  private var kernel: [Float] { numbers(9 * Convolution.inputs * Convolution.outputs, salt: 2) }

  private var widest: Int { OwnProducts.widest }

  /// The convolution as it is defined, in `Double`: [sample, height, width, out], of the first rows and columns.
  private func direct(_ shape: Shape, height: Int, width: Int) -> [Double] {
    let (images, kernel) = (images(shape), kernel)
    let (inputs, outputs) = (Convolution.inputs, Convolution.outputs)
    var result: [Double] = []
    for sample in 0..<shape.samples {
      for y in 0..<height {
        for x in 0..<width {
          var sums = [Double](repeating: 0, count: outputs)
          for tap in 0..<9 {
            let (row, column) = (y + tap / 3 - shape.padding, x + tap % 3 - shape.padding)
            guard 0..<shape.height ~= row, 0..<shape.width ~= column else { continue }
            for i in 0..<inputs {
              let value = Double(images[((sample * shape.height + row) * shape.width + column) * inputs + i])
              for o in 0..<outputs { sums[o] += value * Double(kernel[(tap * inputs + i) * outputs + o]) }
            }
          }
          result += sums
        }
      }
    }
    return result
  }

  /// How far from the definition, as a share of the outputs' root mean square: what docs/reproducibility.md says.
  private func bound(_ side: Int) -> Double {
    [4: 2.5e-6, 5: 4e-6, 6: 5e-6][side] ?? 0
  }

  @Test(arguments: sides, shapes) func outputsAreTheConvolutions(_ side: Int, _ shape: Shape) throws {
    let convolution = try Convolution(shape, side: side, lanes: widest, pools: false)
    convolution.run(images(shape), kernel)
    let expected = direct(
      shape, height: convolution.geometry.output_height, width: convolution.geometry.output_width)
    var (error, scale) = (0.0, 0.0)
    for (value, exact) in zip(convolution.output.elements, expected) {
      error += (Double(value) - exact) * (Double(value) - exact)
      scale += exact * exact
    }
    #expect(convolution.output.count == expected.count)
    #expect((error / scale).squareRoot() < bound(side))
  }

  @Test(arguments: sides, shapes) func poolingTakesTheFirstLargest(_ side: Int, _ shape: Shape) throws {
    let plain = try Convolution(shape, side: side, lanes: widest, pools: false)
    let pooled = try Convolution(shape, side: side, lanes: widest, pools: true)
    plain.run(images(shape), kernel)
    pooled.run(images(shape), kernel)
    let (height, width) = (plain.geometry.output_height, plain.geometry.output_width)
    let channels = Convolution.outputs
    var place = 0
    for sample in 0..<shape.samples {
      for y in 0..<height / 2 {
        for x in 0..<width / 2 {
          for c in 0..<channels {
            let values = (0..<4).map { i in
              plain.output.pointer[
                ((sample * height + 2 * y + i / 2) * width + 2 * x + i % 2) * channels + c]
            }
            let largest = values.max() ?? 0
            #expect(pooled.output.pointer[place] == largest)
            #expect(pooled.winners[place] == values.firstIndex(of: largest).map(UInt8.init))
            place += 1
          }
        }
      }
    }
    #expect(place == pooled.output.count)
  }

  /// ⟨F x, y⟩ = ⟨x, F* y⟩ for each map F and its adjoint F*.
  @Test(arguments: sides, shapes) func adjointsAreAdjoint(_ side: Int, _ shape: Shape) throws {
    let convolution = try Convolution(shape, side: side, lanes: widest, pools: false)
    let (maps, tiles) = (convolution.maps, convolution.tiles)
    func expectEqual(_ a: Double, _ b: Double, _ scale: Double, _ what: String) {
      #expect(abs(a - b) < 1e-5 * scale, "\(what): \(a), \(b)")
    }
    func product(_ a: some Collection<Float>, _ b: some Collection<Float>) -> (sum: Double, scale: Double) {
      zip(a, b).reduce((0, 0)) {
        ($0.0 + Double($1.0) * Double($1.1), $0.1 + abs(Double($1.0) * Double($1.1)))
      }
    }
    let x = images(shape)
    let y = numbers(convolution.inputPlanes.count, salt: 3)
    maps.transform_input(&convolution.geometry, 0, tiles, x, convolution.inputPlanes.pointer)
    let gradient = FloatBuffer(Array(repeating: Float.nan, count: x.count))
    maps.adjoint_input(&convolution.geometry, 0, tiles, y, gradient.pointer)
    let (forward, backward) = (product(convolution.inputPlanes.elements, y), product(x, gradient.elements))
    expectEqual(forward.sum, backward.sum, forward.scale, "input")

    let m = numbers(convolution.outputPlanes.count, salt: 4)
    let g = numbers(convolution.output.count, salt: 5)
    maps.transform_output(&convolution.geometry, 0, tiles, m, convolution.output.pointer, nil)
    maps.adjoint_output(&convolution.geometry, 0, tiles, g, nil, convolution.outputPlanes.pointer)
    let (there, back) = (
      product(convolution.output.elements, g), product(m, convolution.outputPlanes.elements)
    )
    expectEqual(there.sum, back.sum, there.scale, "output")

    let count = Convolution.inputs * Convolution.outputs
    let planes = FloatBuffer(count: convolution.products * count)
    maps.transform_weights(count, count, kernel, planes.pointer)
    let u = numbers(planes.count, salt: 6)
    let weights = FloatBuffer(count: 9 * count)
    maps.adjoint_weights(count, count, u, weights.pointer)
    let (to, from) = (product(planes.elements, u), product(kernel, weights.elements))
    expectEqual(to.sum, from.sum, to.scale, "weights")
  }

  @Test(arguments: sides, shapes) func gradientsGoToTheWinners(_ side: Int, _ shape: Shape) throws {
    let plain = try Convolution(shape, side: side, lanes: widest, pools: false)
    let pooled = try Convolution(shape, side: side, lanes: widest, pools: true)
    pooled.run(images(shape), kernel)
    // The plain one with the same tiles: without the last row and column, which no window has.
    plain.geometry = pooled.geometry
    plain.geometry.pools = false
    let (height, width) = (plain.geometry.output_height, plain.geometry.output_width)
    let channels = Convolution.outputs
    let gradient = numbers(pooled.output.count, salt: 7)
    var scattered = [Float](repeating: 0, count: shape.samples * height * width * channels)
    for (place, value) in gradient.enumerated() {
      let (position, c) = place.quotientAndRemainder(dividingBy: channels)
      let (line, x) = position.quotientAndRemainder(dividingBy: width / 2)
      let (sample, y) = line.quotientAndRemainder(dividingBy: height / 2)
      let winner = Int(pooled.winners[place])
      scattered[((sample * height + 2 * y + winner / 2) * width + 2 * x + winner % 2) * channels + c] = value
    }
    plain.maps.adjoint_output(&plain.geometry, 0, pooled.tiles, scattered, nil, plain.outputPlanes.pointer)
    pooled.maps.adjoint_output(
      &pooled.geometry, 0, pooled.tiles, gradient, pooled.winners, pooled.outputPlanes.pointer)
    #expect(
      pooled.outputPlanes.elements.elementsEqual(
        plain.outputPlanes.elements.prefix(pooled.outputPlanes.count)))
  }

  @Test(arguments: sides, shapes) func everyWidthGivesTheSameBits(_ side: Int, _ shape: Shape) throws {
    func results(lanes: Int, pools: Bool) throws -> [[UInt32]] {
      let convolution = try Convolution(shape, side: side, lanes: lanes, pools: pools)
      convolution.run(images(shape), kernel)
      var results = [convolution.inputPlanes, convolution.output].map { $0.elements.map(\.bitPattern) }
      results.append(convolution.winners.map(UInt32.init))
      let gradient = numbers(convolution.output.count, salt: 8)
      convolution.maps.adjoint_output(
        &convolution.geometry, 0, convolution.tiles, gradient, convolution.winners,
        convolution.outputPlanes.pointer)
      let back = FloatBuffer(count: images(shape).count)
      convolution.maps.adjoint_input(
        &convolution.geometry, 0, convolution.tiles, convolution.inputPlanes.pointer, back.pointer)
      let count = Convolution.inputs * Convolution.outputs
      let weights = FloatBuffer(count: 9 * count)
      let planes = numbers(convolution.products * count, salt: 9)
      convolution.maps.adjoint_weights(count, count, planes, weights.pointer)
      return results + [convolution.outputPlanes, back, weights].map { $0.elements.map(\.bitPattern) }
    }
    for pools in [false, true] {
      let expected = try results(lanes: 4, pools: pools)
      for lanes in [8, 16] where lanes <= widest {
        #expect(try results(lanes: lanes, pools: pools) == expected, "\(lanes) lanes")
      }
    }
  }
}
