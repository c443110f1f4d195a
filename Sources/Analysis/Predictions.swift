internal import Foundation

/// What a model makes of labelled samples.
package struct Predictions: Sendable {
  /// The classes, [count].
  package let labels: [UInt16]
  /// Unnormalised scores, [count, classCount].
  package let logits: [Float]
  package let classCount: Int

  package init(labels: [UInt16], logits: [Float], classCount: Int) {
    precondition(
      logits.count == labels.count * classCount,
      "\(logits.count) logits for \(labels.count) samples of \(classCount) classes")
    self.labels = labels
    self.logits = logits
    self.classCount = classCount
  }

  package var count: Int { labels.count }

  /// A sample's logits, [classCount].
  func row(_ index: Int) -> ArraySlice<Float> { logits[index * classCount..<(index + 1) * classCount] }

  /// The class probabilities of a sample, [classCount]: softmax of the logits divided by `temperature`.
  package func probabilities(_ index: Int, temperature: Double = 1) -> [Double] {
    let row = row(index)
    let largest = Double(row.max() ?? 0)
    let weights = row.map { exp((Double($0) - largest) / temperature) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// What the model answers to each sample, in order.
  package func answers(temperature: Double = 1) -> [Answer] {
    (0..<count).map { index in
      let row = row(index)
      // The first of equal logits, as in training and evaluation.
      var best = row.startIndex
      for position in row.indices where row[position] > row[best] { best = position }
      let probabilities = probabilities(index, temperature: temperature)
      let (truth, prediction) = (Int(labels[index]), best - row.startIndex)
      return Answer(
        index: index, truth: truth, prediction: prediction, confidence: probabilities[prediction],
        truthProbability: probabilities[truth])
    }
  }
}

/// A model's answer to one sample.
package struct Answer: Hashable, Sendable {
  /// The sample's position in its set.
  package var index: Int
  package var truth: Int
  package var prediction: Int
  /// The probability that the model gives its prediction.
  package var confidence: Double
  /// The probability that it gives the truth.
  package var truthProbability: Double

  package var isRight: Bool { truth == prediction }

  package init(index: Int, truth: Int, prediction: Int, confidence: Double, truthProbability: Double) {
    self.index = index
    self.truth = truth
    self.prediction = prediction
    self.confidence = confidence
    self.truthProbability = truthProbability
  }
}

extension Sequence<Answer> {
  /// The wrong answers, the most confident first.
  package var mistakes: [Answer] {
    filter { !$0.isRight }.sorted { ($1.confidence, $0.index) < ($0.confidence, $1.index) }
  }
}
