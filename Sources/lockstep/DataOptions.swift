import ArgumentParser
import Datasets
import Foundation

/// `--data`, shared by all commands that read samples.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder with four IDX files as MNIST's (plain or .gz), or synthetic[:COUNT[:SEED]].",
      discussion: "Default: $LOCKSTEP_DATA, data/mnist, then the cache folder that `lockstep fetch` fills.",
      valueName: "folder|synthetic"))
  var data: String?

  /// Opens the dataset that the option, the environment or the usual places name.
  func open() throws -> Dataset {
    try DatasetSource.resolve(option: data, environment: ProcessInfo.processInfo.environment).open()
  }

  /// The dataset that `--data` names, else the one a run names if it was drawn, else the usual one.
  func open(ofRun name: String?) throws -> Dataset {
    if data == nil, let name, name.hasPrefix("synthetic") {
      return try DatasetSource.resolve(option: name, environment: [:]).open()
    }
    return try open()
  }
}
