internal import Tensors

/// What one micro-batch adds to the loss and the accuracy: sums, not means.
package struct LossSum: Sendable {
  /// Σ cross-entropy over the samples, in nats.
  package var loss: Float = 0
  /// How many samples' largest logit is that of their label.
  package var correct = 0
}

/// Softmax cross-entropy with optional label smoothing.
///
/// With probabilities p = softmax(z) and targets t = (1 − ε)·onehot(label) + ε / classes (Szegedy et al. 2016,
/// §7), the loss is −Σ t·log p and its gradient with respect to the logits is p − t.
package struct SoftmaxCrossEntropy: Sendable {
  package let classCount: Int
  /// ε, from 0 to below 1.
  package let labelSmoothing: Float

  package init(classCount: Int, labelSmoothing: Float = 0) {
    self.classCount = classCount
    self.labelSmoothing = labelSmoothing
  }

  /// Sums the loss of some samples, and writes the sum's gradient.
  ///
  /// - Parameters:
  ///   - logits: [count, classes].
  ///   - labels: [count], each below `classCount`.
  ///   - gradient: [count, classes], d loss sum / d logits; empty where only the loss is wanted.
  /// - Returns: the sums over the samples.
  package func evaluate(
    logits: Span<Float>, labels: Span<UInt16>, gradient: inout MutableSpan<Float>
  ) -> LossSum {
    precondition(
      logits.count >= labels.count * classCount
        && (gradient.isEmpty || gradient.count >= labels.count * classCount),
      "\(logits.count) logits and \(gradient.count) gradients for \(labels.count) samples of \(classCount) classes"
    )
    let (start, wantsGradient) = (logits.start, !gradient.isEmpty)
    let target = gradient.start
    var result = LossSum()
    let off = labelSmoothing / Float(classCount)
    let on = 1 - labelSmoothing + off
    for sample in labels.indices {
      let z = start + sample * classCount
      let label = Int(labels[sample])
      let best = Self.largest(logits.extracting(sample * classCount..<(sample + 1) * classCount))
      if best == label { result.correct += 1 }
      let maximum = z[best]
      var denominator: Float = 0
      var total: Float = 0
      for c in 0..<classCount {
        denominator += exponential(z[c] - maximum)
        total += z[c] - maximum
      }
      let logDenominator = Float(naturalLogarithm(Double(denominator)))
      // −Σ t·(z − max − log Σ) = log Σ − (on − off)·(z_label − max) − off·Σ(z − max)
      result.loss += logDenominator - (on - off) * (z[label] - maximum) - off * total
      guard wantsGradient else { continue }
      let g = target + sample * classCount
      for c in 0..<classCount {
        g[c] = exponential(z[c] - maximum) / denominator - (c == label ? on : off)
      }
    }
    return result
  }

  /// Sums the loss of some samples; `logits` [count, classes], `labels` [count].
  package func evaluate(logits: Span<Float>, labels: Span<UInt16>) -> LossSum {
    var none = MutableSpan<Float>()
    return evaluate(logits: logits, labels: labels, gradient: &none)
  }

  /// The softmax of one sample's logits, [classes].
  package func probabilities(_ logits: Span<Float>) -> [Float] {
    let maximum = logits[Self.largest(logits)]
    let powers = (0..<classCount).map { exponential(logits[$0] - maximum) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The index of the largest value, the first of equals; 0 where there are none.
  package static func largest(_ values: Span<Float>) -> Int {
    var best = 0
    for c in values.indices.dropFirst() where values[c] > values[best] {
      best = c
    }
    return best
  }
}
