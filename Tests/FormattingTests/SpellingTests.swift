import Formatting
import Testing

@Suite struct SpellingTests {
  private let words = ["train", "tune", "study", "launch", "evaluate", "serve", "scale", "version"]

  @Test(arguments: [
    ("trian", "train"), ("tarin", "train"), ("Train", "train"), ("evalaute", "evaluate"),
    ("eval", "evaluate"),
    ("stdy", "study"), ("tunes", "tune"), ("ver", "version"),
  ])
  func slipsAreRecognised(_ typed: String, _ meant: String) {
    #expect(Spelling.nearest(to: typed, among: words) == meant)
  }

  @Test(arguments: ["", "s", "quick", "benchmark", "0.1", "t"])
  func whatIsNothingLikeThemIsNoSlip(_ typed: String) {
    #expect(Spelling.nearest(to: typed, among: words) == nil)
    #expect(Spelling.nearest(to: typed, among: []) == nil)
  }

  @Test func slipsAreCounted() {
    #expect(Spelling.slips("train", "train") == 0 && Spelling.slips("", "abc") == 3)
    #expect(Spelling.slips("trian", "train") == 1 && Spelling.slips("kitten", "sitting") == 3)
  }
}
