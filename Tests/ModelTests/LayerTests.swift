import Model
import Tensors
import Testing

/// Layers by themselves: behind them a dense layer that passes everything on.
@Suite struct LayerTests {
  /// What `layer` makes of `input`, samples of shape `shape`; `epoch` nil in inference.
  private func output(
    of layer: String, _ input: [Float], shape: Shape, epoch: Int? = nil, seed: UInt64 = 1
  ) throws -> [Float] {
    let text = try NetworkSpecification(layer + "; dense 1")
    let features = try text.outputShapes(input: shape)[0].count
    let samples = input.count / shape.count
    let network = try Network(
      NetworkSpecification(layer + "; dense \(features)"), input: shape, capacity: samples)
    let parameters = FloatBuffer(count: network.layout.count)
    for index in 0..<features { parameters.pointer[index * features + index] = 1 }
    network.prepare(parameters)
    for (index, value) in input.enumerated() { network.input.pointer[index] = value }
    network.forward(
      count: samples,
      randomness: epoch.map {
        Randomness(seed: seed, epoch: $0, samples: (0..<samples).map { Int32($0) })
      })
    let rows = network.logits
    return rows.indices.map { rows[$0] }
  }

  /// Means of windows, channel by channel: 9 channels take a vector and one by itself.
  @Test(arguments: [("avgpool 2", 2, 2), ("avgpool 3 stride 1", 3, 1), ("avgpool 2 stride 3", 2, 3)])
  func averagePoolingIsTheMeanOfWindows(text: String, size: Int, stride: Int) throws {
    let shape = Shape(5, 7, 9)
    let input = (0..<shape.count).map { Float(($0 * 37) % 64) }
    var expected: [Float] = []
    for y in Swift.stride(from: 0, through: 5 - size, by: stride) {
      for x in Swift.stride(from: 0, through: 7 - size, by: stride) {
        for c in 0..<9 {
          let window = (0..<size * size).map { input[((y + $0 / size) * 7 + x + $0 % size) * 9 + c] }
          expected.append(window.reduce(0, +) * (1 / Float(size * size)))
        }
      }
    }
    #expect(try output(of: text, input, shape: shape) == expected)
  }

  @Test func aWindowOverTheWholeImageIsTheGlobalAverage() throws {
    let shape = Shape(7, 7, 12)
    let input = (0..<shape.count).map { Float(($0 * 31) % 50) / 7 }
    #expect(
      try output(of: "avgpool 7", input, shape: shape) == output(of: "average", input, shape: shape))
  }

  /// A channel is there at all positions, divided by 1 − p, or at none; and as many are dropped as p says.
  @Test func channelsAreDroppedWhole() throws {
    let shape = Shape(3, 4, 10)
    let samples = 400
    let input = [Float](repeating: 3, count: samples * shape.count)
    let dropped = try output(of: "channel-dropout 0.25", input, shape: shape, epoch: 2)
    var zeros = 0
    for sample in 0..<samples {
      for c in 0..<10 {
        let values = Set((0..<12).map { dropped[sample * shape.count + $0 * 10 + c] })
        #expect(values == [0] || values == [3 * (1 / 0.75)], "sample \(sample), channel \(c)")
        if values == [0] { zeros += 1 }
      }
    }
    // A binomial's deviation is 27 here.
    #expect(abs(zeros - 1000) < 140)
    #expect(try output(of: "channel-dropout 0.25", input, shape: shape) == input)
    #expect(try output(of: "channel-dropout 0.25", input, shape: shape, epoch: 2) == dropped)
    #expect(try output(of: "channel-dropout 0.25", input, shape: shape, epoch: 3) != dropped)
    #expect(try output(of: "channel-dropout 0.25", input, shape: shape, epoch: 2, seed: 2) != dropped)
    let two = try output(of: "channel-dropout 0; channel-dropout 0.25", input, shape: shape, epoch: 2)
    #expect(two != dropped, "layers of one kind draw their own numbers")
  }
}
