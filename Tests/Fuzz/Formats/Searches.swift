import Foundation
import Runs
import Tuning

/// Search spaces. What a point of one gives is a recipe, and so is every other point of it.
func spaceFormat() -> FuzzedFormat {
  let parameters = [
    #""globalBatch":{"choices":[32,64]},"optimizer.learningRate":{"log":[0.001,0.1]},"shift":{"range":[0,2]}"#,
    #""optimizer":{"choices":["muon","sgd"]},"muon.learningRate":{"log":[0.001,0.1]},"averaging":{"choices":[null,0.9]}"#,
    #""network":{"choices":["mlp","dense 10"]},"schedule.warmup":{"range":[0,1],"when":{"schedule":["cosine"]}}"#,
  ]
  return FuzzedFormat(
    name: "space", longestInput: 1024,
    seeds: parameters.map { Array("{\"recipe\":\"quick\",\"parameters\":{\($0)}}".utf8) },
    words: recipeWords + [
      "choices", "range", "log", "when", "parameters", "recipe", "muon.", "others.", "augmentation.elastic",
    ]
  ) { bytes in
    let space: SearchSpace
    do throws(RunError) {
      space = try SearchSpace.parse(Data(bytes), origin: "file")
    } catch {
      agree(error.description.hasPrefix("file: ") && error.exitCode == 65, error.description)
      return
    }
    for number in 0..<4 {
      let point = Sampler.sobol.point(number, dimensions: space.parameters.count, seed: 1)
      guard let recipe = try? space.recipe(at: point).recipe else { continue }
      agree(
        (try? Recipe.parse(Data(recipe.json().utf8), origin: "file"))?.digest == recipe.digest, recipe.json())
    }
  }
}

/// Journals. What is read is shown.
func journalFormat() throws -> FuzzedFormat {
  let file = try InputFile("search.jsonl")
  let record =
    #"{"event":"trial","digest":"0000000000000000000000000000000000000000000000000000000000000000","trial":1,"rung":0,"#
    + #""values":{"shift":1},"recipe":{},"result":{"curve":[90],"steps":5,"samples":160,"validation":{"accuracy":90,"#
    + #""loss":0.5,"correct":9,"count":10}},"ranks":[0],"seconds":1.5,"time":7}"# + "\n"
  let event = #"{"event":"begin","time":5,"ranks":2,"trial":1,"rung":0,"digest":"00"}"# + "\n"
  guard let space = SearchSpace.named("quick") else { fatalError("a built-in space") }
  let settings = SearchSettings(
    SearchSettings.Source(space: space.document, sampler: .sobol, seed: 0, trials: 9), eta: 3, rungs: 3)
  return FuzzedFormat(
    name: "journal", longestInput: 2048, seeds: [Array((event + record).utf8), Array(record.utf8)],
    words: [
      "\"event\":", "trial", "result", "validation", "divergence", "accuracy", "inf", "nan", "-1", "1e308",
    ]
  ) { bytes in
    file.write(bytes)
    let journal: Journal
    do {
      journal = try Journal(path: file.path)
    } catch {
      agree(RunError(error).exitCode == 65, "\(error)")
      return
    }
    let screen = SearchScreen(
      folder: TrialFolder(path: "folder", kind: .search), settings: settings, journal: journal,
      status: .running)
    _ = screen.lines(columns: 80)
    _ = screen.outcome
    _ = try? SearchReport(screen).html()
  }
}
