import Datasets
import Files
import Foundation
import TestSupport
import Testing

@Suite struct DatasetSourceTests {
  private func put(_ scratch: Scratch, _ folder: String) throws {
    try scratch.write("\(folder)/train-images-idx3-ubyte.gz", [])
  }

  @Test func placesAreTriedInOrder() throws {
    let scratch = try Scratch()
    let home = ["HOME": scratch("home")]
    let cache = ["HOME": scratch("home"), "XDG_CACHE_HOME": scratch("xdg")]
    let variable = cache.merging(["LOCKSTEP_DATA": "elsewhere"]) { $1 }
    func resolve(_ option: String?, _ environment: [String: String]) throws -> DatasetSource {
      try DatasetSource.resolve(option: option, environment: environment, workingDirectory: scratch("here"))
    }
    try put(scratch, "home/.cache/lockstep/mnist")
    #expect(try resolve(nil, home) == .folder(scratch("home/.cache/lockstep/mnist")))
    // Relative cache folders are to be ignored, says the specification.
    #expect(
      try resolve(nil, home.merging(["XDG_CACHE_HOME": "x"]) { $1 })
        == .folder(scratch("home/.cache/lockstep/mnist")))
    try put(scratch, "xdg/lockstep/mnist")
    #expect(try resolve(nil, cache) == .folder(scratch("xdg/lockstep/mnist")))
    try put(scratch, "here/data/mnist")
    #expect(try resolve(nil, cache) == .folder(scratch("here/data/mnist")))
    #expect(try resolve(nil, variable) == .folder(scratch("here/elsewhere")))
    #expect(try resolve("given", variable) == .folder(scratch("here/given")))
    #expect(try resolve("/abs/given", variable) == .folder("/abs/given"))
    #expect(try resolve("synthetic", variable) == .synthetic(trainCount: 60_000, testCount: 10_000, seed: 1))
    #expect(
      try resolve(nil, ["LOCKSTEP_DATA": "synthetic:60"])
        == .synthetic(trainCount: 60, testCount: 10, seed: 1))
    #expect(try resolve(nil, cache.merging(["LOCKSTEP_DATA": ""]) { $1 }) == resolve(nil, cache))
    // Without a working directory paths stay as they were written.
    #expect(try DatasetSource.resolve(option: "given", environment: [:]) == .folder("given"))
  }

  @Test func nothingFoundSaysWhereAndWhatToDo() throws {
    let scratch = try Scratch()
    let error = failure {
      _ = try DatasetSource.resolve(
        option: nil, environment: ["HOME": "/home/of-nobody"], workingDirectory: scratch.path)
    }
    #expect(
      error
        == FileError(
          .missing,
          "no dataset found: --data is not given, LOCKSTEP_DATA is not set, and there are no IDX files in "
            + "\(scratch("data/mnist")) or in /home/of-nobody/.cache/lockstep/mnist; run `lockstep fetch` to "
            + "download MNIST, or use `--data synthetic`"))
    #expect(error?.exitCode == 66)
  }

  @Test func anInterruptedFetchIsReportedRatherThanPassedOver() throws {
    let scratch = try Scratch()
    try scratch.write("data/mnist/t10k-labels-idx1-ubyte", [])
    let source = try DatasetSource.resolve(option: nil, environment: [:], workingDirectory: scratch.path)
    #expect(failure { _ = try source.open() }?.description.contains("train-images-idx3-ubyte") == true)
  }

  @Test(arguments: [
    ("synthetic", 60_000, 10_000, 1), ("synthetic:20000:7", 20_000, 3334, 7), ("synthetic:1", 1, 1, 1),
    ("synthetic:600000:0", 600_000, 10_000, 0),
  ])
  func syntheticValues(_ text: String, _ train: Int, _ test: Int, _ seed: UInt64) throws {
    let source = try DatasetSource(parsing: text)
    #expect(source == .synthetic(trainCount: train, testCount: test, seed: seed))
    let dataset = try source.open()
    #expect(dataset.trainCount == train && dataset.testCount == test && dataset.isSynthetic)
    #expect(dataset.name == "synthetic:\(train):\(seed)")
    #expect(
      try dataset.read(.test, test - 1..<test) == SyntheticDigits(seed: seed).draw(.test, test - 1..<test))
  }

  @Test(arguments: [
    "synthetic:", "synthetic:0", "synthetic:-5", "synthetic:many", "synthetic:5:x",
    "synthetic:5:-1", "synthetic:5:1:", "synthetic:99999999999999999999",
  ])
  func misspeltSyntheticValuesAreUsageErrors(_ text: String) {
    let error = failure { _ = try DatasetSource(parsing: text, from: "LOCKSTEP_DATA") }
    #expect(error?.kind == .usage && error?.exitCode == 64)
    #expect(error?.description.hasPrefix("LOCKSTEP_DATA \(text): expected synthetic:COUNT:SEED with") == true)
  }
}
