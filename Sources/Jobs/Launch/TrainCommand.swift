/// The words of a `train` command that a job runs again and again.
package struct TrainCommand: Hashable, Sendable {
  /// `train` and its arguments.
  package let words: [String]

  /// The command of these words.
  package init(words: [String]) {
    self.words = words
  }

  /// The argument of `--run`; nil without one.
  package var runFolder: String? {
    for (index, word) in words.enumerated() {
      if word == "--run", index + 1 < words.count { return words[index + 1] }
      if word.hasPrefix("--run=") { return String(word.dropFirst("--run=".count)) }
    }
    return nil
  }

  /// The command for a restart: it goes on from the run's newest checkpoint. Where the run has none yet, a
  /// FILE that this command was to go on from stays what the restart begins with.
  package func restarted(hasCheckpoint: Bool) -> TrainCommand {
    var (result, resume): ([String], [String]) = ([], ["--resume"])
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--resume=") {
        if !hasCheckpoint { resume = [word] }
      } else if word == "--resume" {
        if let file = rest.first, !file.hasPrefix("-") {
          rest.removeFirst()
          if !hasCheckpoint { resume = [word, file] }
        }
      } else {
        result.append(word)
      }
    }
    return TrainCommand(words: result + resume)
  }
}
