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

  /// The command for a restart: whatever this one was to resume from, now it is the newest checkpoint.
  package var restarted: TrainCommand {
    var result: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--resume=") { continue }
      if word == "--resume" {
        if let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
        continue
      }
      result.append(word)
    }
    return TrainCommand(words: result + ["--resume"])
  }
}
