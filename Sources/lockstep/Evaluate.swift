import Analysis
import ArgumentParser
import Collectives
import Datasets
import Formatting
import Foundation
import RunReports
import Runs
import Training

/// `lockstep evaluate`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a model on the test set, alone or as the ranks of an mpirun.",
    discussion: """
      Examples:
        lockstep evaluate --model runs/quick/final.safetensors
        mpirun -n 2 lockstep evaluate --model final.safetensors --data ~/fashion-mnist
      """)

  @Option(help: ArgumentHelp("A checkpoint, e.g. a run's final.safetensors.", valueName: "file"))
  var model: String

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var productOptions: ProductOptions

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func run() throws {
    try productOptions.choose()
    let communicator = try RankProcess.world(sameArguments: false)
    let evaluation = try evaluateModel(
      at: model, openDataset: dataOptions.open, communicator: communicator)
    if communicator.rank == 0 { print(json ? jsonText(evaluation) : text(evaluation), terminator: "") }
    RankProcess.finish(code: 0)
  }

  private func text(_ evaluation: Evaluation) -> String {
    return "test accuracy \(Numbers.fixed(evaluation.accuracy, 2)) % "
      + "(\(evaluation.errors) errors in \(Numbers.grouped(evaluation.count)))  "
      + "loss \(Numbers.fixed(evaluation.loss, 4))\n\n" + Confusion(evaluation.confusion).text
  }

  private func jsonText(_ evaluation: Evaluation) -> String {
    struct Figures: Encodable {
      var testAccuracy: Double
      var testErrors: Int
      var testLoss: Double
      @ConfusionCounts var testConfusion: [[Int]]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let figures = Figures(
      testAccuracy: evaluation.accuracy, testErrors: evaluation.errors, testLoss: evaluation.loss,
      testConfusion: evaluation.confusion)
    return String(decoding: (try? encoder.encode(figures)) ?? Data(), as: UTF8.self) + "\n"
  }
}
