import Checkpoints
import Exchange
import Inference
import Model
import Runs
import Tensors
import TestSupport
import Testing

/// Networks that have all kinds of layers between them, with what is special about each: both paddings, strides, odd
/// extents, windows that overlap, layers in unusual places.
let everyLayer = [
  "conv 4x3; relu; maxpool 2; dense 10",
  "conv 3x5 stride 2 same; relu; conv 5x3 stride 2 same; maxpool 2; relu; dropout 0.25; dense 12; relu; dense 10",
  "maxpool 3 stride 2; conv 4x3 same; conv 6x1 stride 2; relu; average; dropout 0.5; dense 10",
  "dense 20; conv 8x3 same; relu; maxpool 1; average; dense 10",
  "conv 8x3; relu; avgpool 2; channel-dropout 0.25; conv 5x3; avgpool 3 stride 1; relu; avgpool 9; dense 10",
  "relu; dropout 0.1; dense 10",
]

/// A model of `network` with values that differ from one another.
func sampleWeights(_ network: String) throws -> ModelWeights {
  var weights = try ModelWeights(NetworkSpecification(network))
  for index in weights.values.indices {
    weights.values[index] = Float((index &* 2_654_435_761 >> 7) % 2001 - 1000) / 5000
  }
  return weights
}

/// The checkpoint of such a model, and where it lies.
func writeSample(_ network: String, to path: String, averaged: Bool = false) throws -> StoredModel {
  let weights = try sampleWeights(network)
  var recipe = try #require(Recipe.named("quick"))
  recipe.network = weights.network
  recipe.averaging = averaged ? 0.9 : nil
  var tensors = weights.tensors.map { TensorDescription(name: "parameters.\($0.name)", shape: $0.shape) }
  var data = weights.values
  if averaged {
    tensors += weights.tensors.map { TensorDescription(name: "ema.\($0.name)", shape: $0.shape) }
    data = data.map { _ in 0 } + data
  }
  let bytes = data.withUnsafeBytes { Array($0) }
  try CheckpointFile.write(
    CheckpointContents(
      tensors: tensors, metadata: ["recipe": recipe.json(), "step": "7", "epoch": "1"], data: bytes[...]),
    to: path)
  return try StoredModel(path: path)
}

/// The logits of 8 images of a pattern, as training computes them.
func logits(_ weights: ModelWeights) throws -> [Float] {
  let network = try Network(weights.network, capacity: 8)
  let preparation = InputPreparation(shape: .mnist)
  let buffer = network.input
  for image in 0..<8 {
    var values = buffer.mutableSpan
    var input = values._mutatingExtracting(image * 784..<(image + 1) * 784)
    preparation.prepare(samplePixels(image).span, into: &input)
  }
  network.prepare(FloatBuffer(weights.values))
  network.forward(count: 8)
  let rows = network.logits
  return rows.indices.map { rows[$0] }
}

/// An image without symmetry.
func samplePixels(_ image: Int) -> [UInt8] {
  (0..<784).map { UInt8(truncatingIfNeeded: ($0 * 31 + image * 57) ^ ($0 >> 3)) }
}
