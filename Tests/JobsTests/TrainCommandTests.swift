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
    #expect(TrainCommand(words: words.words).restarted.words == expected.words)
  }

  @Test func theRunsFolderIsFound() {
    #expect(TrainCommand(words: ["train", "--run", "a b"]).runFolder == "a b")
    #expect(TrainCommand(words: ["train", "--run=a"]).runFolder == "a")
    #expect(TrainCommand(words: ["train", "--runs", "a"]).runFolder == nil)
    #expect(TrainCommand(words: ["train", "--run"]).runFolder == nil)
  }
}
