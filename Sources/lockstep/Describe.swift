import ArgumentParser
import Datasets
import Files
import Formatting
import Model
import Reports
import RunReports
import Runs
import Training

/// `lockstep describe`.
struct Describe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a network's layers, or a recipe.",
    discussion: """
      Examples:
        lockstep describe quick
        lockstep describe 'conv 24x5 stride 2; relu; conv 32x3; maxpool 2; relu; dense 10'
        lockstep describe mlp --images 20x32
        lockstep describe quick --recipe
        lockstep describe best --augmented sheet.png
      Networks: \(NetworkSpecification.named.keys.sorted().joined(separator: ", ")).
      """)

  @Argument(help: "A named network or recipe, or layers separated by ';'.")
  var network = "quick"

  @Option(
    help: ArgumentHelp("The shape of the images in pixels: rows, then columns.", valueName: "HEIGHTxWIDTH"))
  var images = "28x28"

  @Flag(help: "Print the recipe of that name as JSON, to be edited and passed to train --recipe.")
  var recipe = false

  @Option(
    help: ArgumentHelp(
      "Draw what the recipe of that name, or a JSON file, makes of training images: a PNG file.",
      discussion: "Each row is an image as it is, then in the first ten epochs.", valueName: "file"))
  var augmented: String?

  @OptionGroup var dataOptions: DataOptions

  func validate() throws {
    try requireName(augmented, "--augmented")
    guard !recipe || augmented == nil else {
      throw ValidationError("--recipe prints and --augmented draws: expected one of them")
    }
  }

  func run() throws {
    if let augmented {
      let recipe = try RecipeOptions.read(network, option: "--augmented")
      try recipe.validate()
      let dataset = try dataOptions.open()
      let shape = dataset.format.shape
      try recipe.validate(trainCount: dataset.trainCount, image: Shape(shape.height, shape.width, 1))
      let images = try dataset.read(.train, 0..<min(10, dataset.trainCount))
      try writeFile(AugmentationSheet.png(of: images, recipe: recipe), to: augmented)
      return
    }
    if recipe {
      guard let named = Recipe.named(network) else {
        throw ValidationError(
          "there is no recipe '\(network)'; recipes are \(Recipe.names.joined(separator: ", "))")
      }
      print(named.json(indented: true))
      return
    }
    let specification = try Recipe.named(network)?.network ?? NetworkSpecification(network)
    guard let image = ImageShape(parsing: images) else {
      throw ValidationError(
        "--images: expected rows and columns from 1 to \(SampleFormat.longestSide) such as 28x28, found '\(images)'"
      )
    }
    var input = Shape(image.height, image.width, 1)
    let shapes = try specification.outputShapes(input: input)
    var table = TextTable([
      ("layer", .left), ("output", .left), ("parameters", .right), ("forward FLOPs", .right),
    ])
    var (parameters, operations) = (0, 0)
    table.append(["image", input.description, "", ""])
    for (layer, output) in zip(specification.layers, shapes) {
      let count = layer.parameterCount(for: input)
      let flops = layer.forwardFLOPs(for: input)
      table.append([
        layer.description, output.description, count == 0 ? "" : Numbers.grouped(count),
        Numbers.grouped(flops),
      ])
      parameters += count
      operations += flops
      input = output
    }
    table.appendRule()
    table.append(["sum", "", Numbers.grouped(parameters), Numbers.grouped(operations)])
    print(table.text, terminator: "")
  }
}
