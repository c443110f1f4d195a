import Datasets
import Tensors

/// A linear classifier of 784 pixels, trained by plain stochastic gradient descent, batch 1.
struct SoftmaxRegression {
  private var weights = [SIMD16<Float>](repeating: .zero, count: 785)

  mutating func train(on samples: LabelledImages, epochs: Int) {
    let steps = Float(epochs * samples.count)
    var step: Float = 0
    for epoch in 0..<epochs {
      let order = CounterGenerator(seed: 0, for: .test, UInt64(epoch)).permutation(of: samples.count)
      for i in order {
        let inputs = inputs(samples, Int(i))
        let probabilities = softmax(logits(inputs))
        var gradient = probabilities
        gradient[Int(samples.labels[Int(i)])] -= 1
        gradient *= 0.01 * (1 - step / steps)
        step += 1
        for (pixel, value) in inputs { weights[pixel] -= gradient * value }
      }
    }
  }

  func accuracy(on samples: LabelledImages) -> Double {
    let correct = (0..<samples.count).count { i in
      let logits = logits(inputs(samples, i))
      let best = (0..<10).max { logits[$0] < logits[$1] }
      return best == Int(samples.labels[i])
    }
    return Double(correct) / Double(samples.count)
  }

  /// The pixels that are not background, and a constant.
  private func inputs(_ samples: LabelledImages, _ i: Int) -> [(Int, Float)] {
    let image = samples.images[784 * i..<784 * (i + 1)]
    return image.enumerated().compactMap { $1 == 0 ? nil : ($0, Float($1) / 255) } + [(784, 1)]
  }

  private func logits(_ inputs: [(Int, Float)]) -> SIMD16<Float> {
    inputs.reduce(into: SIMD16<Float>.zero) { $0 += weights[$1.0] * $1.1 }
  }

  private func softmax(_ logits: SIMD16<Float>) -> SIMD16<Float> {
    var result = SIMD16<Float>.zero
    let highest = (0..<10).reduce(-Float.infinity) { max($0, logits[$1]) }
    for i in 0..<10 { result[i] = exponential(logits[i] - highest) }
    return result / result.sum()
  }
}
