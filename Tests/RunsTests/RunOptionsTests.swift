import Foundation
import Runs
import Testing

@Suite struct RunOptionsTests {
  @Test func whatIsNotGivenAnewIsTheRunsOwn() {
    var before = RunOptions()
    (before.checkpointEvery, before.keep, before.tensorboard, before.data) = (50, 9, true, "synthetic:9")
    before.reductionPlugin = "/a/ring.so"
    var given = RunOptions()
    (given.checkpointEvery, given.report, given.reduction) = (0, false, "reproducible")
    let all = given.filled(from: before)
    #expect(
      all.words == [
        "--checkpoint-every", "0", "--keep", "9", "--tensorboard", "--no-report", "--reduction",
        "reproducible",
        "--data", "synthetic:9",
      ], "one reduction takes the other's place")
    #expect(
      given.gaps(filledFrom: before).words == ["--keep", "9", "--tensorboard", "--data", "synthetic:9"])
    #expect(RunOptions().filled(from: before) == before && RunOptions().words == [])
  }

  @Test func theyAreKeptInTheFolderIfThereAreAny() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    #expect(try folder.readOptions() == nil)
    #expect(!FileManager.default.fileExists(atPath: folder.options))
    var options = RunOptions()
    (options.verifyEvery, options.report) = (7, true)
    try folder.prepare(try #require(Recipe.named("linear")), options: options)
    #expect(try folder.readOptions() == options)
    #expect(folder.reserves(folder.options) && folder.holdings.contains("options.json"))
  }

  @Test(arguments: [
    ("{", "expected the options"), (#"{"keep": "all"}"#, "expected the options"),
    (#"{"keep": 0}"#, "'keep' must be at least 1, found 0"),
    (#"{"checkpointEvery": -3}"#, "'checkpointEvery' must be at least 0, found -3"),
  ])
  func whatIsWrongInTheFileIsSaid(_ text: String, _ words: String) throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.options))
    let error = #expect(throws: RunError.self) { try folder.readOptions() }
    #expect(error?.exitCode == 65 && error?.description.contains(words) == true, "\(error as Any)")
    #expect(error?.description.contains("options.json") == true)
  }
}
