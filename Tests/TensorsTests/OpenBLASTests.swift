import Tensors
import Testing

/// What is known of OpenBLAS's kernels. If these tests fail, this is another OpenBLAS than those that were looked at:
/// models stay the same, since each shape is tried before it is used, but docs/reproducibility.md needs a new look.
@Suite struct OpenBLASTests {
  private func trial(
    _ m: Int, _ n: Int, _ k: Int, transposeA: Bool = false, transposeB: Bool = false, overwrites: Bool = true
  )
    throws -> ProductTrial?
  {
    // Other kernels than those of AVX-512 are not used, so nothing is known of them that matters.
    guard OwnProducts.widest == 16 else { return nil }
    let openBLAS = try #require(
      OpenBLAS(kernel: Products.quickestKernel), "OpenBLAS is installed by scripts/setup")
    try #require(openBLAS.kernelName == "SkylakeX")
    let own = try #require(OwnProducts(lanes: 16))
    return ProductTrial(
      openBLAS: openBLAS, own: own,
      shape: ProductShape(
        m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, overwrites: overwrites))
  }

  /// The products of our networks for which its small-matrix kernels sum in order of k.
  @Test func kernelsOfAVX512FollowTheDefinition() throws {
    for (m, n, k) in [
      (576, 16, 25), (36, 32, 16), (36, 64, 288), (28, 64, 32), (3380, 32, 9), (37, 48, 24), (8, 10, 576),
    ] {
      #expect(try trial(m, n, k)?.isEqual() != false, "\(m)×\(n)×\(k)")
    }
    for (m, n, k) in [(288, 64, 36), (16, 32, 36), (25, 16, 576), (576, 10, 4), (25, 24, 576), (9, 24, 3920)]
    {
      #expect(try trial(m, n, k, transposeA: true)?.isEqual() != false, "\(m)×\(n)×\(k), A transposed")
      #expect(
        try trial(m, n, k, transposeA: true, overwrites: false)?.isEqual() != false,
        "\(m)×\(n)×\(k), A transposed, added")
    }
    #expect(try trial(36, 288, 64, transposeB: true)?.isEqual() != false)
  }

  /// The others: a trial that let them pass would let another model pass.
  @Test func aTrialSeesAnotherOrder() throws {
    for (m, n, k) in [(36, 24, 32), (17, 24, 48), (37, 24, 48)] {
      #expect(try trial(m, n, k)?.isEqual() != true, "\(m)×\(n)×\(k)")
    }
  }

  /// Where there is no AVX-512, or less of it is asked for, OpenBLAS has nothing to do.
  @Test func narrowVectorsDoWithoutOpenBLAS() throws {
    #expect(try Products(.auto, lanes: 4).openBLAS == nil)
    #expect(try Products(.own).openBLAS == nil)
    #expect(try Products(.auto, lanes: 4).identity == "defined" && Products(.auto).identity == "defined")
  }

  /// Told so, it computes everything, and its version and kernels become part of what a model depends on.
  @Test func askedForItsOwnBitsItComputesAll() throws {
    let products = try Products(.openblas)
    #expect(products.identity.hasPrefix("OpenBLAS ") && products.identity == products.description)
    let (a, b): ([Float], [Float]) = ([1, 2, 3, 4], [5, 6, 7, 8])
    var c = [Float](repeating: 1, count: 4)
    products.multiply(2, 2, 2, a, transposeA: true, b, into: &c, alpha: 2, beta: -1)
    #expect(c == [51, 59, 75, 87])
  }

  /// A key tells shapes apart, and none is zero, the mark of a free place.
  @Test func keysTellShapesApart() {
    var keys: Set<UInt64> = []
    var count = 0
    for (m, n, k) in [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (1_048_575, 1, 1)] {
      for bits in 0..<8 {
        let shape = ProductShape(
          m: m, n: n, k: k, transposeA: bits & 1 != 0, transposeB: bits & 2 != 0, overwrites: bits & 4 != 0)
        keys.insert(shape.key ?? 0)
        count += 1
      }
    }
    #expect(keys.count == count && !keys.contains(0))
    #expect(
      ProductShape(m: 1 << 20, n: 1, k: 1, transposeA: false, transposeB: false, overwrites: true).key == nil)
  }

  /// A table that is full gives up politely.
  @Test func aFullTableLeavesTheRestToUs() {
    let table = ProductTable()
    var asked = 0
    for key in 1...UInt64(5000) {
      _ = table.isByOpenBLAS(key) {
        asked += 1; return key % 2 == 0
      }
    }
    #expect(asked > 700 && asked <= 1024)
    for key in 1...UInt64(100) {
      #expect(
        table.isByOpenBLAS(key) {
          Issue.record("asked twice"); return true
        } == (key % 2 == 0))
    }
  }
}
