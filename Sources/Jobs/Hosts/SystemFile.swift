internal import Foundation

/// Files in which the kernel tells about itself, under `/proc` and `/sys`.
enum SystemFile {
  /// A file's content without white space around it; nil if it cannot be read.
  static func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// What follows `name:` in the first line of that name, in a file of `name: value` lines.
  static func value(of name: String, in path: String) -> String? {
    for line in (text(path) ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2, parts[0] == name { return parts[1] }
    }
    return nil
  }
}
