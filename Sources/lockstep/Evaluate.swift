import Analysis
import ArgumentParser
import Collectives
import Datasets
import Formatting
import Foundation
import Reports
import RunReports
import Runs
import Training

/// `lockstep evaluate`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score models on the test set or in validation, alone or as the ranks of an mpirun.",
    discussion: """
      Examples:
        lockstep evaluate runs/quick/final.safetensors
        mpirun -n 2 lockstep evaluate --model final.safetensors --data ~/fashion-mnist
        lockstep evaluate runs/a/final.safetensors runs/b/final.safetensors --shifts 5
      Several models are scored each, and averaged: by their probabilities.
      """)

  @Argument(help: ArgumentHelp("Checkpoints, e.g. a run's final.safetensors.", valueName: "file"))
  var models: [String] = []

  @Option(help: ArgumentHelp("A checkpoint, like those without --model.", valueName: "file"))
  var model: [String] = []

  @Option(
    help: ArgumentHelp(
      "Average over this many copies of each image, moved by whole pixels, next to the plain figures.",
      discussion:
        "An odd number from 1 to 25: 5 for the image and its four moves by one pixel, 9 for the 3 × 3.",
      valueName: "copies"))
  var shifts = 1

  @Option(
    help: ArgumentHelp(
      "The samples: test, or validation, the last training samples that the recipes keep for it.",
      discussion: "Choices between models are made by validation."))
  var split = EvaluatedSplit.test

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var productOptions: ProductOptions

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func validate() throws {
    guard ShiftedCopies(shifts) != nil else {
      throw ValidationError("--shifts must be \(ShiftedCopies.expected), found \(shifts)")
    }
    guard !(models + model).isEmpty else {
      throw ValidationError("expected a model, e.g. lockstep evaluate runs/quick/final.safetensors")
    }
  }

  func run() throws {
    try productOptions.choose()
    guard let copies = ShiftedCopies(shifts) else { return }
    let communicator = try RankProcess.world(sameArguments: false)
    let paths = models + model
    let scores = try evaluateModels(
      at: paths, on: split, shifts: copies, openDataset: dataOptions.open, communicator: communicator)
    if communicator.rank == 0 { print(json ? jsonText(scores, paths) : text(scores, paths), terminator: "") }
    RankProcess.finish(code: 0)
  }

  private func text(_ scores: ModelScores, _ paths: [String]) -> String {
    let last = scores.last
    var lines = ""
    if scores.average != nil { lines += table(scores, paths) + "\n" }
    let figures = scores.average ?? scores.models[0]
    let what =
      scores.average == nil ? "\(split) accuracy" : "\(split) accuracy of \(paths.count) models averaged"
    lines += line(what, figures.plain)
    if let shifted = figures.shifted { lines += line("with \(shifts) shifted copies", shifted) }
    return lines + "\n" + Confusion(last.confusion).text
  }

  private func line(_ what: String, _ evaluation: Evaluation) -> String {
    "\(what) \(Numbers.fixed(evaluation.accuracy, 2)) % "
      + "(\(evaluation.errors) errors in \(Numbers.grouped(evaluation.count)))  "
      + "loss \(Numbers.fixed(evaluation.loss, 4))\n"
  }

  private func table(_ scores: ModelScores, _ paths: [String]) -> String {
    let withCopies = shifts > 1 ? [("\(shifts) copies", TextTable.Alignment.right)] : []
    var table = TextTable([("model", .left), ("plain", .right)] + withCopies)
    for (path, figures) in zip(paths, scores.models) {
      table.append(
        [path]
          + ([figures.plain] + (figures.shifted.map { [$0] } ?? [])).map {
            "\(Numbers.fixed($0.accuracy, 2)) %"
          })
    }
    return table.text
  }

  private func jsonText(_ scores: ModelScores, _ paths: [String]) -> String {
    struct Figures: Encodable {
      var model: String?
      var validationAccuracy: Double?
      var validationErrors: Int?
      var validationLoss: Double?
      var validationConfusion: ConfusionCounts?
      var testAccuracy: Double?
      var testErrors: Int?
      var testLoss: Double?
      var testConfusion: ConfusionCounts?
      var shifts: Int?
      var shiftedAccuracy: Double?
      var shiftedErrors: Int?
      var shiftedLoss: Double?
      var shiftedConfusion: ConfusionCounts?
      var models: [Figures]?

      init(_ figures: ModelScores.Figures, on split: EvaluatedSplit, shifts: Int, model: String? = nil) {
        self.model = model
        let plain = figures.plain
        switch split {
        case .test:
          (testAccuracy, testErrors) = (plain.accuracy, plain.errors)
          (testLoss, testConfusion) = (plain.loss, ConfusionCounts(wrappedValue: plain.confusion))
        case .validation:
          (validationAccuracy, validationErrors) = (plain.accuracy, plain.errors)
          (validationLoss, validationConfusion) = (plain.loss, ConfusionCounts(wrappedValue: plain.confusion))
        }
        guard let shifted = figures.shifted else { return }
        self.shifts = shifts
        (shiftedAccuracy, shiftedErrors) = (shifted.accuracy, shifted.errors)
        (shiftedLoss, shiftedConfusion) = (shifted.loss, ConfusionCounts(wrappedValue: shifted.confusion))
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var figures = Figures(scores.average ?? scores.models[0], on: split, shifts: shifts)
    if scores.average != nil {
      figures.models = zip(scores.models, paths).map { Figures($0, on: split, shifts: shifts, model: $1) }
    }
    return String(decoding: (try? encoder.encode(figures)) ?? Data(), as: UTF8.self) + "\n"
  }
}

extension EvaluatedSplit: ExpressibleByArgument {}
