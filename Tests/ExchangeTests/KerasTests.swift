import Digests
import Exchange
import Files
import Foundation
import Inference
import Model
import Runs
import TestSupport
import Testing

/// Models as Keras saved them, made by `scripts/fixtures/make_keras.py`.
@Suite struct KerasTests {
  private static let network =
    "conv 3x5 stride 2; relu; conv 4x3 same; maxpool 2; relu; dropout 0.25; dense 6; relu; dense 10"

  private func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)")
      .path
  }

  /// The logarithms of the probabilities of two images.
  private func logProbabilities(_ weights: ModelWeights) throws -> [[Float]] {
    let images = (0..<2 * 784).map { UInt8(truncatingIfNeeded: ($0 * 31) ^ ($0 >> 3)) }
    let scratch = try Scratch()
    let recipe = try #require(Recipe.named("quick"))
    var own = recipe
    own.network = weights.network
    let file = StoredModel.bytes(of: weights, recipe: own, source: SHA256Digest(of: [UInt8]()))
    let classifier = try StoredModel(path: scratch.write("model", file)).classifier()
    return stride(from: 0, to: images.count, by: 784).map {
      classifier.probabilities(of: Array(images[$0..<$0 + 784])).map(log)
    }
  }

  private func expectSame(_ weights: ModelWeights, as name: String) throws {
    let text = try Data(contentsOf: URL(fileURLWithPath: path("keras.json")))
    let expected = try #require(try JSONDecoder().decode([String: [[Float]]].self, from: text)[name])
    for (own, theirs) in zip(try logProbabilities(weights), expected) {
      let distances = zip(own, theirs).map { abs($0 - $1) }
      #expect((distances.max() ?? 1) < 1e-4, "\(own), \(theirs)")
    }
  }

  @Test(arguments: ["plain.keras", "plain.h5", "plain.keras2.h5"]) func modelsPredictTheSame(_ name: String)
    throws
  {
    let model = try ImportedModel(reading: path(name), options: ImportOptions())
    #expect(model.weights.network.description == Self.network)
    try expectSame(model.weights, as: "plain")
    #expect(model.origins.map(\.name) == ["stem", "conv2d", "dense", "dense_1"])
    #expect(model.origins.map(\.hasBiases) == [true, true, false, true])
  }

  @Test func aModelThatScalesPixelsItselfTakesBytes() throws {
    let model = try ImportedModel(reading: path("scaled.keras"), options: ImportOptions())
    #expect(model.weights.network.description == "conv 6x3 stride 2; relu; average; dense 10")
    try expectSame(model.weights, as: "scaled")
  }

  @Test(arguments: ["plain.weights.h5", "plain.keras2-weights.h5"])
  func weightsAloneNeedTheNetwork(_ name: String) throws {
    var options = ImportOptions()
    let error = try #require(throws: FileError.self) {
      try ImportedModel(reading: path(name), options: options)
    }
    #expect(error.exitCode == 64 && error.description.contains("--network"), "\(error)")
    options.network = try NetworkSpecification(Self.network)
    try expectSame(ImportedModel(reading: path(name), options: options).weights, as: "plain")
  }

  /// What no layer of Lockstep's does is named.
  @Test(
    arguments: [
      (
        "\"class_name\": \"Sequential\"", "\"class_name\": \"Functional\"",
        "a Sequential model, found Functional"
      ),
      (
        "MaxPooling2D", "LPPooling2D",
        "LPPooling2D 'max_pooling2d' is a layer that Lockstep does not have"
      ),
      ("\"dilation_rate\": [1, 1]", "\"dilation_rate\": [2, 2]", "Conv2D 'stem' is dilated"),
      ("\"groups\": 1", "\"groups\": 2", "in groups"), ("channels_last", "channels_first", "channels first"),
      ("\"relu\"", "\"tanh\"", "the activation 'tanh'"),
      ("Flatten", "Activation", "Flatten is missing before it"),
      ("\"strides\": [2, 2]", "\"strides\": [2, 1]", "strides [2, 1], expected the same in both directions"),
      ("\"kernel_size\": [3, 3]", "\"kernel_size\": [4, 4]", "an odd kernel"),
      ("28, 28, 1]", "28, 28, 3]", "takes 28 × 28 × 3, expected grey images of 28 × 28"),
      ("\"filters\": 4", "\"filters\": 5", "expected weights [3, 3, 3, 5] called 'conv2d'"),
      ("\"filters\": 4", "\"filters\": -1", "expected a whole number"),
      ("\"units\": 6", "\"units\": null", "units"),
      ("\"max_value\": null", "\"max_value\": 6.0", "more than max(x, 0)"),
      ("{", "[", "description of a model as JSON"),
      ("\"padding\": \"valid\"", "\"padding\": \"causal\"", "padding 'causal'"),
    ])
  func whatLockstepHasNotIsNamed(_ old: String, _ new: String, _ words: String) throws {
    let scratch = try Scratch()
    var entries = try ZipArchive.read(path("plain.keras"))
    let index = try #require(entries.firstIndex { $0.name == "config.json" })
    let config = String(decoding: entries[index].bytes, as: UTF8.self)
    #expect(config.contains(old))
    entries[index].bytes = Array(config.replacingOccurrences(of: old, with: new).utf8)
    let changed = try scratch.write("changed.keras", ZipArchive.bytes(of: entries))
    let error = try #require(throws: FileError.self) {
      try ImportedModel(reading: changed, options: ImportOptions())
    }
    #expect(error.exitCode == 65 && error.description.contains(words), "\(error)")
  }

  @Test func anArchiveWithoutItsDescriptionIsRefused() throws {
    let scratch = try Scratch()
    let entries = try ZipArchive.read(path("plain.keras")).filter { $0.name != "config.json" }
    let part = try scratch.write("part.keras", ZipArchive.bytes(of: entries))
    let error = try #require(throws: FileError.self) {
      try ImportedModel(reading: part, options: ImportOptions())
    }
    #expect(error.description.contains("expected config.json and model.weights.h5"))
  }

  @Test func averagesAndChannelsLeftOutAreLayersToo() throws {
    let scratch = try Scratch()
    var entries = try ZipArchive.read(path("plain.keras"))
    let index = try #require(entries.firstIndex { $0.name == "config.json" })
    let config = String(decoding: entries[index].bytes, as: UTF8.self)
      .replacingOccurrences(of: "\"MaxPooling2D\"", with: "\"AveragePooling2D\"")
      .replacingOccurrences(of: "\"Dropout\"", with: "\"SpatialDropout2D\"")
    entries[index].bytes = Array(config.utf8)
    let changed = try scratch.write("changed.keras", ZipArchive.bytes(of: entries))
    let model = try ImportedModel(reading: changed, options: ImportOptions())
    #expect(
      model.weights.network.description
        == Self.network.replacingOccurrences(of: "maxpool", with: "avgpool")
        .replacingOccurrences(of: "dropout", with: "channel-dropout"))
  }

  @Test func manyAtATimeAreKeptApart() async throws {
    let networks = [
      "plain.keras": Self.network, "scaled.keras": "conv 6x3 stride 2; relu; average; dense 10",
    ]
    try await withThrowingTaskGroup { group in
      for number in 0..<200 {
        group.addTask {
          let name = number % 2 == 0 ? "plain.keras" : "scaled.keras"
          let model = try ImportedModel(reading: path(name), options: ImportOptions())
          #expect(model.weights.network.description == networks[name])
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func whatAWholeModelTellsNeedsNoOptions() throws {
    var options = ImportOptions()
    options.names = ["stem"]
    let named = try #require(throws: FileError.self) {
      try ImportedModel(reading: path("plain.keras"), options: options)
    }
    #expect(named.exitCode == 64)
    options = ImportOptions()
    options.network = try NetworkSpecification("dense 10")
    let other = try #require(throws: FileError.self) {
      try ImportedModel(reading: path("plain.keras"), options: options)
    }
    #expect(other.description.contains("expected the network 'dense 10', found 'conv 3x5"))
  }

  /// A file that is cut anywhere, or has a byte changed, is refused or read; nothing crashes.
  @Test(arguments: ["plain.keras", "plain.h5", "plain.keras2.h5", "plain.weights.h5"])
  func damagedFilesCrashNothing(_ name: String) throws {
    let scratch = try Scratch()
    let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
    var options = ImportOptions()
    if name.hasSuffix(".weights.h5") { options.network = try NetworkSpecification(Self.network) }
    for seed in 0..<300 {
      var bytes = whole
      if seed % 3 == 0 {
        bytes = Array(bytes.prefix(seed * whole.count / 300))
      } else {
        bytes[(seed * 7919) % whole.count] ^= UInt8(1 + (seed * 31) % 255)
      }
      let path = try scratch.write("damaged", bytes)
      do {
        _ = try ImportedModel(reading: path, options: options)
      } catch {
        #expect(error is any ReportedError, "\(error)")
      }
    }
  }
}
