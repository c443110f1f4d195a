import ArgumentParser
import Datasets
import Exchange
import Formatting
import Foundation
import Inference
import Model
import Reports

/// `lockstep import`.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a model of weights that another program has trained.",
    discussion: """
      Examples:
        lockstep import mnist_cnn.safetensors --network pytorch --out mnist_cnn.lockstep.safetensors
        lockstep import weights.npz --network keras --pixels unit --out keras.safetensors
        lockstep import model.onnx --out model.safetensors
        lockstep import model.keras --out model.safetensors
      The model can then be evaluated, predicted with, exported, and trained on with train --from.
      """)

  @Argument(
    help: ArgumentHelp(
      "A model as safetensors, npz, ONNX, .keras or .h5; told apart by content.", valueName: "file"))
  var file: String

  @Option(
    help: ArgumentHelp(
      "The network that the weights are of: a named one, or layers such as 'conv 32x3; relu; dense 10'.",
      discussion:
        "ONNX and Keras's models tell it themselves, and so do files of lockstep export --format safetensors."
    ))
  var network: String?

  @Option(help: ArgumentHelp("The model to write.", valueName: "model"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "How weights are laid out: pytorch or keras.",
      discussion: "Default: pytorch in safetensors, keras elsewhere."))
  var layout: TensorLayout?

  @Option(
    help: ArgumentHelp(
      "What the model was trained to take for a pixel: standardized, unit or bytes.",
      discussion: """
        standardized: (pixel / 255 - 0.1307) / 0.3081, as PyTorch's example and Lockstep have it. unit: pixel / 255, as \
        Keras's has it. bytes: 0 to 255. Default: bytes where an ONNX graph takes uint8 or a Rescaling layer scales them, \
        unit in Keras's other files, else standardized.
        """))
  var pixels: PixelScale?

  @Option(
    help: ArgumentHelp(
      "The file's names of the layers with weights, in the network's order, with commas between.",
      discussion: "Default: each layer takes the first one left, in the order of names, that has its shape.",
      valueName: "name,name,…"))
  var names: String?

  @Option(
    help: ArgumentHelp(
      "The shape of the images in pixels, rows, then columns.",
      discussion: "Default: what an ONNX graph or a Keras model tells, else 28x28.", valueName: "HEIGHTxWIDTH"
    ))
  var images: String?

  @Flag(help: "Replace the model if it is there.")
  var force = false

  func validate() throws {
    try requireName(out, "--out")
    try requireName(names, "--names")
  }

  func run() throws {
    var options = ImportOptions()
    options.network = try network.map { try NetworkSpecification($0) }
    options.layout = layout
    options.pixels = pixels
    options.images = try images.map { text in
      guard let shape = ImageShape(parsing: text) else {
        throw ValidationError(
          "--images: expected rows and columns from 1 to \(SampleFormat.longestSide) such as 28x28, found '\(text)'"
        )
      }
      return Shape(shape.height, shape.width, 1)
    }
    options.names = names.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let model = try ImportedModel(reading: file, options: options)
    try model.write(to: out, replacing: force)
    var table = TextTable([("layer", .left), ("from", .left), ("shape there", .left), ("", .left)])
    for origin in model.origins {
      table.append([
        origin.layer, origin.name, origin.shape.map(String.init).joined(separator: "×"),
        origin.hasBiases ? "" : "without biases",
      ])
    }
    print(table.text)
    print("\(out): \(Numbers.grouped(model.weights.values.count)) parameters of '\(model.weights.network)'")
  }
}

extension TensorLayout: ExpressibleByArgument {}
extension PixelScale: ExpressibleByArgument {}
