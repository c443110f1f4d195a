import Tensors
import Testing

@Suite struct GemmTests {
  @Test(arguments: [(3, 5, 7), (1, 1, 1), (16, 10, 33)])
  func productEqualsTheDefinitionInAllTranspositions(_ m: Int, _ n: Int, _ k: Int) {
    let generator = CounterGenerator(seed: 1, for: .test)
    let a = (0..<m * k).map { Float(generator.uniform(at: UInt64($0)) - 0.5) }
    let b = (0..<k * n).map { Float(generator.uniform(at: UInt64(m * k + $0)) - 0.5) }
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      var c = [Float](repeating: 2, count: m * n)
      gemm(
        m, n, k, a, transposeA: transposeA, b, transposeB: transposeB, into: &c, alpha: 0.5, beta: 3)
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for l in 0..<k {
            sum +=
              Double(transposeA ? a[l * m + i] : a[i * k + l])
              * Double(transposeB ? b[j * k + l] : b[l * n + j])
          }
          #expect(abs(Double(c[i * n + j]) - (0.5 * sum + 6)) < 1e-5)
        }
      }
    }
  }
}
