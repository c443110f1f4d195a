import ArgumentParser
import Foundation
import Runs
import Training

/// `lockstep diff`.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show where two runs part that should be equal: settings, the first step, and what in it.",
    discussion: """
      Examples:
        lockstep diff runs/here runs/there
      The first step whose digests differ is re-executed, as each of the two was run: the first micro-batch, layer and tensor \
      that differ are named. Where re-execution is equal, one of the two was computed wrong: it is named, and so is the value \
      if it is one. Exit code 1: they differ.
      """)

  @Argument(help: ArgumentHelp("A run's folder.", valueName: "run"))
  var first: String

  @Argument(help: ArgumentHelp("Another run's folder.", valueName: "other"))
  var second: String

  @Option(
    help: ArgumentHelp(
      "The model that the runs began with, where they began with one (train --from).", valueName: "model"))
  var from: String?

  @Option(
    help: ArgumentHelp("A checkpoint to begin with, besides those in the folders.", valueName: "file"))
  var checkpoint: [String] = []

  @OptionGroup var dataOptions: DataOptions

  func validate() throws {
    try requireName(first, "the first run's folder")
    try requireName(second, "the second run's folder")
    try requireName(from, "--from")
    for path in checkpoint { try requireName(path, "--checkpoint") }
  }

  func run() throws {
    let comparison = try compareRuns(
      RunFolder(path: first), RunFolder(path: second), checkpoints: checkpoint, initialModel: from,
      openDataset: dataOptions.open(ofRun:), notice: { Console.notice($0) })
    print(comparison.text((first, second)))
    if comparison.parting != nil { throw ExitCode(1) }
  }
}
