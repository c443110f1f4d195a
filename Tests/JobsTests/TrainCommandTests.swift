import Jobs
import Testing

@Suite struct TrainCommandTests {
  @Test(arguments: [
    ("train --run a", "train --run a --resume"), ("train --resume --run a", "train --run a --resume"),
    ("train --resume x.safetensors --run a", "train --run a --resume"),
    ("train --run a --resume", "train --run a --resume"),
    ("train --run a --resume=x.safetensors --seed 1", "train --run a --seed 1 --resume"),
    ("train --run a --resume x -q", "train --run a -q --resume"),
  ])
  func aRestartGoesOnFromTheNewestCheckpoint(_ words: String, _ expected: String) {
    #expect(TrainCommand(words: words.words).restarted(hasCheckpoint: true).words == expected.words)
  }

  /// Without a checkpoint of its own a run that began with another's would begin anew, with another model.
  @Test(arguments: [
    ("train --run a", "train --run a --resume"),
    ("train --resume x --run a", "train --run a --resume x"),
    ("train --resume=x --run a", "train --run a --resume=x"),
    ("train --resume --run a", "train --run a --resume"),
  ])
  func aFileStaysUntilTheRunHasACheckpoint(_ words: String, _ expected: String) {
    #expect(TrainCommand(words: words.words).restarted(hasCheckpoint: false).words == expected.words)
  }

  @Test func theRunsFolderIsFound() {
    #expect(TrainCommand(words: ["train", "--run", "a b"]).runFolder == "a b")
    #expect(TrainCommand(words: ["train", "--run=a"]).runFolder == "a")
    #expect(TrainCommand(words: ["train", "--runs", "a"]).runFolder == nil)
    #expect(TrainCommand(words: ["train", "--run"]).runFolder == nil)
  }
}
