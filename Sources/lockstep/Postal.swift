import Analysis
import ArgumentParser
import Datasets
import RunReports
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
    if let accuracy, !(0...100).contains(accuracy) {
      throw ValidationError("--accuracy must be from 0 to 100 per cent, found \(accuracy)")
    }
  }

  func run() throws {
    if let accuracy {
      let figures = PostalFigures(accuracy: accuracy / 100, office: office.postalCase)
      print(json ? try figures.json() : figures.text(currency: office.currency), terminator: "")
      return
    }
    let trained = try TrainedModel(path: model ?? "")
    let dataset = try dataOptions.open()
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
    guard (1...20).contains(digits) else {
      throw ValidationError("--digits must be from 1 to 20, found \(digits)")
    }
    for (name, value) in [
      ("--letters", letters), ("--manual-cost", manualCost), ("--misroute-cost", misrouteCost),
    ] where !(value >= 0 && value < 1e12) {
      throw ValidationError("\(name) must be at least 0, found \(value)")
    }
  }

  var postalCase: PostalCase {
    PostalCase(digits: digits, letters: letters, manualCost: manualCost, misrouteCost: misrouteCost)
  }
}
