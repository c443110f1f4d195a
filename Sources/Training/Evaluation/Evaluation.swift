internal import Collectives
internal import Model
internal import Tensors

/// How a model does on some samples: integer counts, summed over all ranks.
package struct Evaluation: Hashable, Sendable {
  /// `confusion[truth][prediction]`.
  package let confusion: [[Int]]
  /// Mean cross-entropy without label smoothing, in nats, to a millionth; infinite if a sample's is no finite number.
  package let loss: Double

  /// Samples.
  package var count: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }
  /// Samples classified right.
  package var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }
  /// Samples classified wrong.
  package var errors: Int { count - correct }
  /// Percent classified right.
  package var accuracy: Double { count == 0 ? 0 : 100 * Double(correct) / Double(count) }
}

/// Scores models on a sharded set of samples.
///
/// Micro-batches start at multiples of their length in the whole set, so that every sample goes through the
/// same matrix products at any number of ranks.
final class Evaluator {
  private let network: Network
  private let shard: Shard
  private let microBatch: Int
  private let communicator: any Communicator
  private let preparation: InputPreparation

  private init(network: Network, shard: Shard, communicator: any Communicator) {
    self.network = network
    self.shard = shard
    microBatch = network.capacity
    self.communicator = communicator
    preparation = InputPreparation(shape: network.inputShape)
  }

  /// Deals `samples`, a range of what `shard` is a part of, to all ranks for scoring. Called by all ranks.
  static func dealt(
    _ shard: Shard, from placement: Placement, samples: Range<Int>, network: Network,
    over communicator: any Communicator
  ) throws(CommunicatorError) -> Evaluator {
    Evaluator(
      network: network,
      shard: try deal(
        shard, from: placement, samples: samples, inPiecesOf: network.capacity, over: communicator),
      communicator: communicator)
  }

  /// The part of `samples` that this rank scores: whole pieces of `size` samples, the last of all may be shorter. Called by
  /// all ranks.
  static func deal(
    _ shard: Shard, from placement: Placement, samples: Range<Int>, inPiecesOf size: Int,
    over communicator: any Communicator
  ) throws(CommunicatorError) -> Shard {
    let ranges = ranges(
      count: samples.count, microBatch: size, worldSize: communicator.worldSize
    ).map { $0.lowerBound + samples.lowerBound..<$0.upperBound + samples.lowerBound }
    let target = Placement(ranges: ranges, totalSamples: placement.owners.count)
    return try shard.dealt(from: placement, to: target, over: communicator)
  }

  /// The contiguous part of `count` samples that each rank scores, cut at whole micro-batches.
  private static func ranges(count: Int, microBatch: Int, worldSize: Int) -> [Range<Int>] {
    let tree = ReductionTree(leafCount: (count + microBatch - 1) / microBatch)
    return (0..<worldSize).map { rank in
      let leaves = tree.leaves(of: rank, worldSize: worldSize)
      return min(leaves.lowerBound * microBatch, count)..<min(leaves.upperBound * microBatch, count)
    }
  }

  /// Scores `parameters`; called by all ranks, and all get the same result.
  func evaluate(_ parameters: FloatBuffer) throws(CommunicatorError) -> Evaluation {
    let (network, shard) = (network, shard)
    let classes = network.classCount
    var counts = EvaluationCounts(classCount: classes)
    let loss = SoftmaxCrossEntropy(classCount: classes)
    let pixels = network.inputShape.count
    network.prepare(parameters)
    let buffer = network.input
    var input = buffer.mutableSpan
    var label: [UInt16] = [0]
    for start in stride(from: 0, to: shard.count, by: microBatch) {
      let count = min(microBatch, shard.count - start)
      for i in 0..<count {
        var image = input._mutatingExtracting(i * pixels..<(i + 1) * pixels)
        preparation.prepare(shard.image(of: shard.samples[start + i]), into: &image)
      }
      network.forward(count: count)
      for i in 0..<count {
        label[0] = shard.label(of: shard.samples[start + i])
        let row = network.logits.extracting(i * classes..<(i + 1) * classes)
        counts.add(
          truth: Int(label[0]), prediction: SoftmaxCrossEntropy.largest(row),
          loss: Double(loss.evaluate(logits: row, labels: label.span).loss))
      }
    }
    return try counts.evaluation(over: communicator)
  }
}
