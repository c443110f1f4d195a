import Tensors
import Testing

@Suite struct CounterGeneratorTests {
  /// A change of these numbers would change every model, so old checkpoints could not be continued.
  @Test func bitsNeverChange() {
    let generator = CounterGenerator(seed: 42, for: .shift, 3, 7)
    #expect((0..<3).map { generator.bits(at: $0) } == Self.expectedBits)
    let order = CounterGenerator(seed: 0, for: .epochOrder).permutation(of: 10)
    #expect(order == Self.expectedOrder)
    var normals = [Float](repeating: 0, count: 3)
    var span = normals.mutableSpan
    CounterGenerator(seed: 5, for: .initialWeights).fillNormal(&span, standardDeviation: 2)
    #expect(normals.map(\.bitPattern) == Self.expectedNormals)
  }

  static let expectedBits: [UInt64] = [
    10_247_921_105_216_494_966, 1_674_475_107_458_390_603, 10_205_532_295_502_137_775,
  ]
  static let expectedOrder: [Int32] = [4, 1, 8, 6, 3, 5, 0, 9, 2, 7]
  static let expectedNormals: [UInt32] = [1_048_797_556, 3_224_717_700, 3_221_358_331]

  @Test func everyCoordinateMatters() {
    let keys: [CounterGenerator] = [
      .init(seed: 1, for: .dropout), .init(seed: 2, for: .dropout), .init(seed: 1, for: .shift),
      .init(seed: 1, for: .dropout, 1), .init(seed: 1, for: .dropout, 0, 1),
      .init(seed: 1, for: .dropout, 0, 0, 1), .init(seed: 1, for: .dropout, 1, 1),
    ]
    #expect(Set(keys.map { $0.bits(at: 0) }).count == keys.count)
  }

  @Test(arguments: [1, 2, 1000, 60000])
  func permutationHoldsEveryIndexOnce(_ count: Int) {
    let order = CounterGenerator(seed: 9, for: .epochOrder, 1).permutation(of: count)
    #expect(order.sorted() == (0..<Int32(count)).map { $0 })
    if count > 2 { #expect(order != order.sorted()) }
  }

  @Test func normalsHaveTheirMoments() {
    var values = [Float](repeating: 0, count: 100_001)
    var span = values.mutableSpan
    CounterGenerator(seed: 1, for: .initialWeights).fillNormal(&span, standardDeviation: 0.5)
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let variance =
      values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    let beyondTwo = values.count { abs($0) > 1 }
    #expect(abs(mean) < 0.006)
    #expect(abs(variance - 0.25) < 0.004)
    #expect(abs(Double(beyondTwo) / Double(values.count) - 0.0455) < 0.003)
  }

  @Test func belowReachesAllValuesEvenly() {
    var counts = [Int](repeating: 0, count: 7)
    let generator = CounterGenerator(seed: 3, for: .test)
    for i in 0..<70_000 {
      counts[generator.below(7, at: UInt64(i))] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
  }
}
