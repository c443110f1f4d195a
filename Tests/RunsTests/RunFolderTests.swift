import Foundation
import Runs
import Testing

@Suite struct RunFolderTests {
  private func code(_ body: () throws -> Void) -> Int32 {
    do {
      try body()
      return 0
    } catch {
      return RunError(error).exitCode
    }
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  /// What lies in a folder under a run's names and is none's is never overwritten, with or without --resume.
  @Test(arguments: ["recipe.json", "final.safetensors", "result.json"])
  func aStrangersFileIsKept(_ name: String) throws {
    let scratch = try Scratch()
    let folder = RunFolder(path: scratch.path)
    try write("mine", scratch.path + "/thesis.txt")
    #expect(code { try folder.requireFree() } == 0)
    try write("mine", scratch.path + "/" + name)
    #expect(code { try folder.requireFree() } == 73)
    #expect(code { try folder.requireNoStrangers() } == 73)
  }

  @Test func aRunIsNotFreeButNoStranger() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    #expect(code { try folder.requireFree() } == 73)
    #expect(code { try folder.requireNoStrangers() } == 0)
    var recipe = try #require(Recipe.named("linear"))
    #expect(code { try folder.requireSameRecipe(recipe, from: "x") } == 0)
    recipe.seed += 1
    #expect(code { try folder.requireSameRecipe(recipe, from: "x") } == 73)
  }

  @Test func aRunOwnsWhatLiesInItByAnyName() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/alias", withDestinationPath: folder.path)
    for path in [folder.path, scratch.path + "/alias", scratch.path + "/run/../run"] {
      #expect(folder.owns(path + "/checkpoints/step-000001.safetensors"))
      #expect(folder.owns(path + "/final.safetensors"))
    }
    for name in ["metrics.jsonl", "result.json", "checkpoints/x", "../run/report.html"] {
      #expect(folder.reserves(folder.path + "/" + name))
    }
    #expect(!folder.reserves(folder.path + "/trace.json") && !folder.reserves(scratch.path + "/recipe.json"))
    #expect(!folder.owns(scratch.path + "/checkpoints/step-000001.safetensors"))
  }

  /// Finished is what has its figures, and the model that they are of.
  @Test func figuresWithoutTheirModelAreNoEnd() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    func isFinished() -> Bool {
      folder.finishedResult { FileManager.default.contents(atPath: $0).map { "\($0.count)" } } != nil
    }
    #expect(!isFinished())
    try folder.write(
      RunResult(
        testAccuracy: 99, testErrors: 1, testConfusion: [], parametersDigest: "", checkpointDigest: "4",
        imagesPerSecond: 1, trainingSeconds: 1, wallSeconds: 1, startSeconds: 1, ranks: 1, rankTimes: [],
        epochs: 1, steps: 1, dataset: "d", datasetDigest: ""))
    #expect(!isFinished())
    try write("model", folder.final)
    #expect(!isFinished())
    try write("mode", folder.final)
    #expect(isFinished())
    try write("{\"steps\":", folder.result)
    #expect(!isFinished())
  }

  /// Errors of libraries reach nobody as they are.
  @Test func errorsOfFoundationAreSentences() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/none/file"
    func sentence(_ body: () throws -> Void) -> RunError? {
      do {
        try body()
        return nil
      } catch {
        return RunError(error)
      }
    }
    let errors = [
      sentence { try Data([1]).write(to: URL(fileURLWithPath: path)) },
      sentence { _ = try Data(contentsOf: URL(fileURLWithPath: path)) },
      sentence { _ = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) },
      sentence { _ = try JSONDecoder().decode(Int.self, from: Data("{".utf8)) },
    ]
    for error in errors {
      let error = try #require(error)
      #expect(!error.description.contains("Domain") && !error.description.contains("Code="), "\(error)")
      #expect([65, 66, 73, 74].contains(error.exitCode))
    }
  }
}
