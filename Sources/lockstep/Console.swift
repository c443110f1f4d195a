import Foundation

/// What a command says to the person who typed it.
enum Console {
  /// Says a sentence on standard error, behind the program's name: an error, or something worth knowing.
  static func notice(_ sentence: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep: \(sentence)\n".utf8))
  }

  /// Writes text to standard output as it is. A reader that went away is no error.
  static func write(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }
}
