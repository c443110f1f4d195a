import ArgumentParser
import Datasets
import Foundation
import Reports
import Training

/// `lockstep predict`.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show images of a dataset with what a model makes of them.",
    discussion: """
      Examples:
        lockstep predict --model runs/quick/final.safetensors 0 1 2
        lockstep predict --model final.safetensors --split train 59999
      """)

  @Option(help: ArgumentHelp("A checkpoint, e.g. a run's final.safetensors.", valueName: "file"))
  var model: String

  @OptionGroup var dataOptions: DataOptions

  @Option(help: "Which part of the dataset: test or train.")
  var split = Dataset.Split.test

  @Argument(help: ArgumentHelp("Indices of images, counted from 0.", valueName: "index"))
  var indices: [Int]

  func run() throws {
    let dataset = try dataOptions.open()
    let model = try TrainedModel(path: model)
    try model.requireFormat(of: dataset)
    for remark in dataset.remarks { Console.notice(remark) }
    for index in indices {
      guard (0..<dataset.count(of: split)).contains(index) else {
        throw ValidationError(
          "there is no \(split.rawValue) image \(index); the \(split.rawValue) part of \(dataset.name) has "
            + "images 0 to \(dataset.count(of: split) - 1)")
      }
    }
    for index in indices {
      let sample = try dataset.read(split, index..<index + 1)
      let probabilities = model.probabilities(sample.images)
      let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
      let verdict = best == Int(sample.labels[0]) ? "right" : "wrong"
      print("\(split.rawValue) image \(index): label \(sample.labels[0]), predicted \(best) (\(verdict))")
      print(
        DigitDrawing.image(sample.images, rows: sample.rows, columns: sample.columns), terminator: "")
      print(DigitDrawing.bars(probabilities))
    }
  }
}

extension Dataset.Split: ExpressibleByArgument {}
