import Analysis
import ArgumentParser
import Datasets
import RunReports
import Runs
import Training

/// `lockstep postal`.
struct Postal: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a model is worth to a sorting office that reads postal codes.",
    discussion: """
      Examples:
        lockstep postal --model runs/quick/final.safetensors
        lockstep postal --model final.safetensors --manual-cost 0.25 --misroute-cost 3 --currency USD
        lockstep postal --accuracy 99.03
      Probabilities are calibrated, and the threshold for rejection is chosen, on the validation split; the figures are \
      the test set's. --accuracy computes without a model, from a digit's accuracy alone.
      """)

  @Option(help: ArgumentHelp("A checkpoint, e.g. a run's final.safetensors.", valueName: "file"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Instead of a model: how many digits in a hundred are read right.", valueName: "percent"))
  var accuracy: Double?

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var office: PostalOptions

  @Flag(help: "Leave the measurement of throughput out.")
  var noThroughput = false

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func validate() throws {
    if (model == nil) == (accuracy == nil) { throw ValidationError("give either --model or --accuracy") }
    if let accuracy { try require("--accuracy", accuracy, in: 0...100, "per cent") }
  }

  func run() throws {
    if let accuracy {
      let figures = PostalFigures(accuracy: accuracy / 100, office: office.postalCase)
      print(json ? try figures.json() : figures.text(currency: office.currency), terminator: "")
      return
    }
    let trained = try TrainedModel(path: model ?? "")
    guard trained.classCount == PostalFigures.classCount else {
      throw RunError(
        "\(model ?? ""): expected a model of the ten digits of postal codes, found one of \(trained.classCount) classes",
        exitCode: 65)
    }
    let dataset = try dataOptions.open()
    try trained.requireFormat(of: dataset)
    var figures = try PostalFigures(
      test: trained.predictions(dataset.read(.test, 0..<dataset.testCount)),
      validation: trained.validationPredictions(dataset), office: office.postalCase)
    if !noThroughput {
      figures.throughput = try PostalThroughput.measured(
        model: model ?? "", digits: office.digits,
        images: dataset.read(.test, 0..<min(dataset.testCount, 1000)))
    }
    print(json ? try figures.json() : figures.text(currency: office.currency), terminator: "")
  }
}

/// What a sorting office is like; shared by `postal` and `report`.
struct PostalOptions: ParsableArguments {
  @Option(help: "Digits of a postal code.")
  var digits = 5

  @Option(help: "Letters in a year.")
  var letters = 100_000_000.0

  @Option(help: "What it costs to have a person read a code.")
  var manualCost = 0.10

  @Option(help: "What a letter costs that is sent to the wrong place; an assumption of ours, put your own.")
  var misrouteCost = 1.0

  @Option(help: "What costs are given in.")
  var currency = "EUR"

  func validate() throws {
    try require("--digits", digits, in: 1...20)
    try require("--letters", letters, in: 0...1e12)
    try require("--manual-cost", manualCost, in: 0...1e12)
    try require("--misroute-cost", misrouteCost, in: 0...1e12)
  }

  var postalCase: PostalCase {
    PostalCase(digits: digits, letters: letters, manualCost: manualCost, misrouteCost: misrouteCost)
  }
}
