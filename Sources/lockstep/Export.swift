import ArgumentParser
import Exchange
import Formatting
import Foundation
import Inference
import Jobs

/// `lockstep export`.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model for other programs: ONNX, PyTorch, NumPy and Keras.",
    discussion: """
      Examples:
        lockstep export runs/quick/final.safetensors --format onnx
        lockstep export final.safetensors --format npz --out weights.npz
      The ONNX graph takes pixels as they are, uint8 [N, 1, 28, 28]. The other two hold weights, for pixels scaled to \
      (pixel / 255 - 0.1307) / 0.3081. docs/models.md has the lines that open each of them.
      """)

  @Argument(help: ArgumentHelp("A checkpoint, e.g. a run's final.safetensors.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "onnx, safetensors or npz.",
      discussion: """
        onnx: the whole network. safetensors: weights in PyTorch's layout, named conv1.weight, dense1.bias, … npz: weights \
        as NumPy's arrays in Keras's layout, under the same names.
        """))
  var format: ExportFormat

  @Option(
    help: ArgumentHelp(
      "The file to write.", discussion: "Default: next to the model, under its name.", valueName: "file"))
  var out: String?

  @Flag(help: "Replace the file if it is there.")
  var force = false

  func validate() throws { try requireName(out, "--out") }

  func run() throws {
    let stored = try StoredModel(path: model)
    let exported = try stored.export(
      as: format, to: out ?? format.defaultPath(for: model), replacing: force,
      version: ProgramIdentity.version)
    print("\(exported.path): \(Numbers.grouped(exported.byteCount)) bytes, \(format.rawValue)")
  }
}

extension ExportFormat: ExpressibleByArgument {}
