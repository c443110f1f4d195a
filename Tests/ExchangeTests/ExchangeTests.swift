import Checkpoints
import Exchange
import Files
import Foundation
import Inference
import Model
import Runs
import TestSupport
import Testing

/// What goes out comes back: each format is written and read again. That others read it too is tested where there is
/// Python (`ExportTests`).
@Suite struct ExchangeTests {
  /// The names of all kinds of layers; a new kind does not compile until it is here, and `everyLayer` must have it.
  private static func word(_ layer: LayerSpecification) -> String {
    switch layer {
    case .convolution(_, _, let stride, let padding): "conv \(stride) \(padding)"
    case .maxPooling: "maxpool"
    case .averagePooling: "avgpool"
    case .relu: "relu"
    case .dropout: "dropout"
    case .channelDropout: "channel-dropout"
    case .globalAverage: "average"
    case .dense: "dense"
    }
  }

  @Test func theNetworksHereHaveAllKindsOfLayers() throws {
    let words = try Set(everyLayer.flatMap { try NetworkSpecification($0).layers.map(Self.word) })
    #expect(
      words == [
        "conv 1 valid", "conv 2 valid", "conv 1 same", "conv 2 same", "maxpool", "avgpool", "relu", "dropout",
        "channel-dropout", "average", "dense",
      ])
  }

  @Test(arguments: ExportFormat.allCases, everyLayer)
  func comesBackTheSameToTheBit(format: ExportFormat, network: String) throws {
    let scratch = try Scratch()
    let stored = try writeSample(network, to: scratch("model.safetensors"))
    try stored.export(as: format, to: scratch("out"), replacing: false, version: "test")
    var options = ImportOptions()
    if format == .npz { options.network = stored.weights.network }
    let back = try ImportedModel(reading: scratch("out"), options: options)
    #expect(back.weights.network == stored.weights.network)
    #expect(back.weights.values == stored.weights.values)
    // The same model gives the same file.
    let first = try scratch.read("out")
    try stored.export(as: format, to: scratch("out"), replacing: true, version: "test")
    #expect(try scratch.read("out") == first)
    // What was imported is a model like any other.
    try back.write(to: scratch("back.safetensors"), replacing: false)
    #expect(try StoredModel(path: scratch("back.safetensors")).weights.values == stored.weights.values)
  }

  @Test func theAveragedWeightsAreThoseThatGoOut() throws {
    let scratch = try Scratch()
    let stored = try writeSample(everyLayer[0], to: scratch("model.safetensors"), averaged: true)
    #expect(try stored.weights.values == sampleWeights(everyLayer[0]).values)
  }

  @Test func aFileThatIsThereStays() throws {
    let scratch = try Scratch()
    let stored = try writeSample(everyLayer[0], to: scratch("model.safetensors"))
    try scratch.write("mine.onnx", [1, 2, 3])
    let error = #expect(throws: FileError.self) {
      try stored.export(as: .onnx, to: scratch("mine.onnx"), replacing: false, version: "test")
    }
    #expect(error?.exitCode == 73)
    #expect(try scratch.read("mine.onnx") == [1, 2, 3])
    #expect(ExportFormat.onnx.defaultPath(for: "runs/a/final.safetensors") == "runs/a/final.onnx")
    #expect(ExportFormat.safetensors.defaultPath(for: "final.safetensors") == "final.pytorch.safetensors")
  }

  /// A recipe that a network has is that network's; others begin with `quick`.
  @Test func anImportedModelHasARecipeForItsNetwork() throws {
    let scratch = try Scratch()
    for (network, name) in [("keras", "keras"), ("best", "best"), ("conv 4x3; relu; dense 10", "imported")] {
      let stored = try writeSample(network, to: scratch("\(name).safetensors"))
      try stored.export(as: .onnx, to: scratch("\(name).onnx"), replacing: false, version: "test")
      let recipe = try ImportedModel(reading: scratch("\(name).onnx"), options: ImportOptions()).recipe
      #expect(recipe.name == name)
      #expect(recipe.network == stored.weights.network)
    }
  }
}

/// Tensors with other programs' names, orders and layouts.
@Suite struct ImportTests {
  /// A safetensors file with the weights of `weights` in PyTorch's layout, under names made by `name`.
  private func file(
    _ weights: ModelWeights, in scratch: Scratch, more: [TensorDescription] = [],
    biases: Bool = true, name: (_ index: Int) -> String
  ) throws -> String {
    var parts: [(TensorDescription, [Float])] = []
    for (index, layer) in weights.weighted.enumerated() {
      parts.append(
        (
          TensorDescription(name: name(index) + ".weight", shape: layer.weightShape(in: .pytorch)),
          layer.weights(of: weights.values, in: .pytorch)
        ))
      let values = layer.biases(of: weights.values)
      if biases {
        parts.append((TensorDescription(name: name(index) + ".bias", shape: [values.count]), values))
      }
    }
    parts += more.map { ($0, [Float](repeating: 0, count: $0.count)) }
    // Other programs sort by name.
    parts.sort { $0.0.name < $1.0.name }
    return try scratch.write(
      "theirs.safetensors",
      SafeTensorsFile.bytes(
        tensors: parts.map(\.0), metadata: [:], format: "pt",
        data: parts.flatMap { $0.1.withUnsafeBytes { Array($0) } }))
  }

  private func options(_ network: String?, _ change: (inout ImportOptions) -> Void = { _ in }) throws
    -> ImportOptions
  {
    var options = ImportOptions()
    options.network = try network.map { try NetworkSpecification($0) }
    change(&options)
    return options
  }

  /// Eleven layers of equal shapes, then two others: order decides among the former, shape among the latter.
  private static let deep = String(repeating: "conv 1x1; ", count: 11) + "conv 3x3; relu; dense 10"

  @Test(arguments: [
    (deep, (0..<13).map { "\(2 * $0)" }), (deep, (0..<13).map { "features.\($0)" }),
    (deep, (0..<13).map { "module.conv\($0)" }),
    (deep, (0..<12).map { "features.\($0)" } + ["classifier.0"]),
    ("pytorch", ["conv1", "conv2", "fc1", "fc2"]), ("keras", ["a", "c", "b"]),
  ])
  func namesOfOtherProgramsAreUnderstood(network: String, names: [String]) throws {
    let scratch = try Scratch()
    let weights = try sampleWeights(network)
    let path = try file(weights, in: scratch) { names[$0] }
    let back = try ImportedModel(reading: path, options: options(network))
    #expect(back.weights.values == weights.values)
    #expect(back.origins.map(\.name) == names)
  }

  @Test func namesCanBeGiven() throws {
    let scratch = try Scratch()
    let network = "conv 1x1; conv 1x1; dense 10"
    let weights = try sampleWeights(network)
    let names = ["zulu", "alpha", "head"]
    let path = try file(weights, in: scratch) { names[$0] }
    let guessed = try ImportedModel(reading: path, options: options(network))
    #expect(guessed.weights.values != weights.values)
    let told = try ImportedModel(reading: path, options: options(network) { $0.names = names })
    #expect(told.weights.values == weights.values)
  }

  @Test func layersWithoutBiasesGetZeros() throws {
    let scratch = try Scratch()
    let weights = try sampleWeights("keras")
    let path = try file(weights, in: scratch, biases: false) { "\($0)" }
    let back = try ImportedModel(reading: path, options: options("keras"))
    for layer in back.weights.weighted {
      #expect(layer.biases(of: back.weights.values).allSatisfy { $0 == 0 })
      #expect(
        layer.weights(of: back.weights.values, in: .keras) == layer.weights(of: weights.values, in: .keras))
    }
    #expect(back.origins.allSatisfy { !$0.hasBiases })
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let scratch = try Scratch()
    let weights = try sampleWeights("keras")
    func failure(_ path: String, _ options: ImportOptions) -> (String, Int32) {
      do {
        _ = try ImportedModel(reading: path, options: options)
        return ("nothing was thrown", 0)
      } catch {
        return ("\(error)", (error as? any ReportedError)?.exitCode ?? -1)
      }
    }
    func expect(_ failure: (String, Int32), _ words: String, _ code: Int32) {
      #expect(failure.0.contains(words), "\(failure.0)")
      #expect(failure.1 == code, "\(failure.0)")
    }
    let plain = try file(weights, in: scratch) { "\($0)" }
    expect(try failure(plain, options(nil)), "name it with --network", 64)
    expect(try failure(plain, options("quick")), "expected weights [16, 1, 5, 5] for the layer conv1", 65)
    expect(try failure(plain, options("keras") { $0.layout = .keras }), "in the layout of keras", 65)
    expect(try failure(plain, options("keras") { $0.names = ["0"] }), "names for the 3 layers", 65)
    expect(
      try failure(
        plain, options("conv 32x3; relu; maxpool 2; conv 64x3; relu; maxpool 2; average; dense 10")),
      "dense1", 65)
    let extra = [TensorDescription(name: "extra.weight", shape: [3, 3])]
    expect(
      try failure(file(weights, in: scratch, more: extra) { "\($0)" }, options("keras")),
      "no layer for extra [3, 3]", 65)
    let lonely = [TensorDescription(name: "extra.bias", shape: [3])]
    expect(
      try failure(file(weights, in: scratch, more: lonely) { "\($0)" }, options("keras")), "'extra.bias' [3]",
      65)
    var broken = weights
    broken.values[5] = .nan
    expect(try failure(file(broken, in: scratch) { "\($0)" }, options("keras")), "not finite", 65)
    for (name, bytes, words) in [
      ("empty", [], "found other content"),
      ("text", Array("hello, this is no model".utf8), "found other content"),
      ("model.h5", [0x89, 0x48, 0x44, 0x46, 0x0D], "expected HDF5 as Keras writes it"),
      ("cut.npz", [0x50, 0x4B, 3, 4, 0], "zip archive"),
    ] as [(String, [UInt8], String)] {
      expect(failure(try scratch.write(name, bytes), try options("keras")), words, 65)
    }
    expect(failure(scratch("none"), try options("keras")), "cannot be read", 66)
    _ = try writeSample("keras", to: scratch("own.safetensors"))
    expect(failure(scratch("own.safetensors"), try options("keras")), "is a model of Lockstep's already", 64)
  }

  /// A file that is cut anywhere, or has a byte changed, is refused or read; nothing crashes.
  @Test(arguments: ExportFormat.allCases) func damagedFilesCrashNothing(format: ExportFormat) throws {
    let scratch = try Scratch()
    let network = "conv 2x3; relu; average; dense 10"
    let stored = try writeSample(network, to: scratch("model.safetensors"))
    try stored.export(as: format, to: scratch("whole"), replacing: false, version: "test")
    let whole = try scratch.read("whole")
    for seed in 0..<600 {
      var bytes = whole
      if seed % 3 == 0 {
        bytes = Array(bytes.prefix(seed * whole.count / 600))
      } else {
        bytes[(seed * 7919) % whole.count] ^= UInt8(1 + (seed * 31) % 255)
      }
      let path = try scratch.write("damaged", bytes)
      do {
        _ = try ImportedModel(reading: path, options: options(format == .npz ? network : nil))
      } catch {
        #expect(error is any ReportedError, "\(error)")
      }
    }
  }

  /// A model that was trained on pixels of another scale gives the same logits here.
  @Test(
    arguments: [PixelScale.unit, .bytes], ["conv 4x3; relu; maxpool 2; dense 10", "dense 12; relu; dense 10"])
  func otherScalesOfPixelsGoIntoTheFirstLayer(pixels: PixelScale, network: String) throws {
    let scratch = try Scratch()
    let own = try sampleWeights(network)
    // The same model for pixels v of the other scale: with x = g·v + h, W·x = (g·W)·v + h·ΣW.
    let ownScale = (scale: Double(InputPreparation.scale), offset: Double(InputPreparation.offset))
    let scale = pixels == .unit ? 1.0 / 255 : 1
    let (gain, shift) = (ownScale.scale / scale, ownScale.offset)
    var theirs = own
    let first = try #require(own.weighted.first)
    let (weight, bias) = (try #require(first.weight), try #require(first.bias))
    for column in 0..<weight.columns {
      let indices = stride(from: weight.offset + column, to: weight.range.upperBound, by: weight.columns)
      let sum = indices.reduce(0.0) { $0 + Double(own.values[$1]) }
      for index in indices { theirs.values[index] = Float(gain * Double(own.values[index])) }
      theirs.values[bias.offset + column] = Float(Double(own.values[bias.offset + column]) + shift * sum)
    }
    let path = try file(theirs, in: scratch) { "\($0)" }
    let back = try ImportedModel(reading: path, options: options(network) { $0.pixels = pixels })
    for (one, other) in zip(try logits(back.weights), try logits(own)) {
      #expect(abs(one - other) < 2e-4)
    }
  }

  @Test func zerosAroundImagesForbidOtherScales() throws {
    let scratch = try Scratch()
    let network = "conv 4x3 same; relu; dense 10"
    let path = try file(sampleWeights(network), in: scratch) { "\($0)" }
    let error = #expect(throws: FileError.self) {
      try ImportedModel(reading: path, options: options(network) { $0.pixels = .unit })
    }
    #expect(error?.description.contains("zeros that 'conv 4x3 same' puts around") == true)
  }
}
