import ArgumentParser
import Datasets
import Files
import Formatting
import Foundation
import Jobs
import Photographs
import Reports
import Runs
import Training

/// `lockstep photographs`: what the reader of photographs is made and measured with.
struct PhotographTools: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "photographs",
    abstract: "Compose photographs of digits, score the reader on them, make samples to train it.",
    subcommands: [ComposePages.self, ScoreReader.self, MakeSamples.self, WriteModel.self])
}

extension PageComposer.Difficulty: ExpressibleByArgument {}

/// `lockstep photographs compose`.
struct ComposePages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compose",
    abstract: "Write composed photographs and what they say.",
    discussion: """
      Each page is NAME.jpg, and what it says NAME.txt, a line for each row. A page depends on the seed, its number and \
      the difficulty alone.

      Examples:
        lockstep photographs compose pages --pages 20 --difficulty hard
      """)

  @Argument(help: ArgumentHelp("A folder, created if missing.", valueName: "folder")) var folder: String
  @Option(help: "How many pages.") var pages = 10
  @Option(help: "clean, hard or decoys.") var difficulty = PageComposer.Difficulty.hard
  @Option(help: "Which pages.") var seed: UInt64 = 0
  @OptionGroup var dataOptions: DataOptions

  func validate() throws {
    try require("--pages", pages, in: 1...1_000_000)
    try requireName(folder, "the folder")
  }

  func run() throws {
    let composer = PageComposer(digits: try dataOptions.open().read(.test), seed: seed)
    try PendingFile.createFolder(folder)
    for index in 0..<pages {
      let page = composer.page(index, difficulty)
      let name = "\(folder)/\(difficulty.rawValue)-\(seed)-\(index)"
      try writeFile(page.picture.jpeg(quality: 95), to: name + ".jpg")
      let text = page.rows.map { $0.map { "\($0.digit)" }.joined() + "\n" }.joined()
      try writeFile(Array(text.utf8), to: name + ".txt")
    }
  }
}

/// `lockstep photographs score`.
struct ScoreReader: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Read composed photographs and count what is wrong.",
    discussion: """
      Pages are composed from the test digits of the dataset, at each difficulty, and read; a digit counts as wrong, \
      missed or invented.

      Examples:
        lockstep photographs score --pages 1000
      """)

  @Option(help: "How many pages of each difficulty.") var pages = 1000
  @Option(help: "Which pages.") var seed: UInt64 = 0
  @Option(help: "One difficulty only: clean, hard or decoys.") var difficulty: PageComposer.Difficulty?
  @Option(help: "Whose digits the pages are made of: test, or train to choose settings by.") var split =
    Dataset.Split.test
  @Option(help: ArgumentHelp("A checkpoint instead of the built-in reader.", valueName: "file")) var model:
    String?
  @OptionGroup var dataOptions: DataOptions

  func validate() throws {
    try require("--pages", pages, in: 1...1_000_000)
    try requireName(model, "--model")
  }

  func run() throws {
    let composer = PageComposer(digits: try dataOptions.open().read(split), seed: seed)
    var table = TextTable([
      ("pages", .left), ("number", .right), ("digits", .right), ("wrong", .right), ("missed", .right),
      ("invented", .right), ("of the digits", .right), ("pages without fault", .right),
    ])
    for difficulty in difficulty.map({ [$0] }) ?? PageComposer.Difficulty.allCases {
      let score = try ReadingScore.measured(composer, pages: pages, difficulty, workers: ProcessorSet().cores)
      {
        PhotographReader(try NetworkRecognizer.opened(path: model))
      }
      table.append([
        difficulty.rawValue, Numbers.grouped(score.pages), Numbers.grouped(score.digits),
        Numbers.grouped(score.wrong), Numbers.grouped(score.missed), Numbers.grouped(score.invented),
        score.digits > 0 ? Numbers.fixed(100 * score.errorRate, 2) + " %" : "",
        Numbers.grouped(score.flawless),
      ])
    }
    Console.write(table.text + "\n")
  }
}

/// `lockstep photographs samples`.
struct MakeSamples: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "samples",
    abstract: "Write a dataset that teaches a network to read photographs.",
    discussion: """
      Thirteen classes of 28 × 28 pixels as MNIST's four files: the ten digits, drawn from the dataset's training part, \
      bent, thickened and broken as photographs show them; as class 10 letters, marks and blots, as class 11 parts of \
      digits, as class 12 several digits at once. The test part is made of the dataset's test digits as they are.

      Examples:
        lockstep photographs samples reader-data --count 300000
        mpirun -n 2 lockstep train --data reader-data …
      """)

  @Argument(help: ArgumentHelp("A folder, created if missing.", valueName: "folder")) var folder: String
  @Option(help: "How many samples to train on.") var count = 300_000
  @Option(help: "How many samples to test on.") var testCount = 12_000
  @Option(help: "Which samples.") var seed: UInt64 = 0
  @OptionGroup var dataOptions: DataOptions

  func validate() throws {
    try require("--count", count, in: 1...10_000_000)
    try require("--test-count", testCount, in: 1...10_000_000)
    try requireName(folder, "the folder")
  }

  func run() throws {
    let dataset = try dataOptions.open()
    let drawn = try Dataset(
      synthetic: SyntheticDigits(seed: seed), trainCount: 20_000, testCount: 1
    ).read(.train)
    try PendingFile.createFolder(folder)
    let cores = ProcessorSet().cores
    let learning = ReaderSamples(digits: try dataset.read(.train), drawn: drawn, seed: seed, part: .learning)
    try learning.write(
      count: count, images: folder + "/train-images-idx3-ubyte", labels: folder + "/train-labels-idx1-ubyte",
      workers: cores)
    let trial = ReaderSamples(digits: try dataset.read(.test), drawn: nil, seed: seed, part: .trial)
    try trial.write(
      count: testCount, images: folder + "/t10k-images-idx3-ubyte",
      labels: folder + "/t10k-labels-idx1-ubyte",
      workers: cores)
  }
}

/// `lockstep photographs model`.
struct WriteModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Write the weights of a model, without what only training needs, into a file of their own.",
    discussion: """
      Without --from it is the model that comes with the program and reads photographs.

      Examples:
        lockstep photographs model reader.safetensors
        lockstep photographs model small.safetensors --from runs/quick/final.safetensors
      """)

  @Argument(help: ArgumentHelp("The file to write.", valueName: "file")) var out: String
  @Option(help: ArgumentHelp("A checkpoint.", valueName: "file")) var from: String?

  func validate() throws {
    try requireName(out, "the file")
    try requireName(from, "--from")
  }

  func run() throws {
    let model =
      try from.map { try TrainedModel(path: $0) }
      ?? TrainedModel(file: ReaderModel.file, name: ReaderModel.name)
    guard !FileManager.default.fileExists(atPath: out) else {
      throw RunError("\(out) is there already: name another file", exitCode: 73)
    }
    try model.writeModel(to: out)
  }
}
