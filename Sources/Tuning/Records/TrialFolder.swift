package import Files
internal import Foundation
package import Runs

/// The folder of a search or of a study. Only the root touches it.
package struct TrialFolder: Sendable {
  /// What a folder is of; the raw value is the stem of its files' names.
  package enum Kind: String, Sendable, CaseIterable {
    case search
    case study

    /// As in `lockstep tune`.
    package var command: String { self == .search ? "tune" : "study" }
  }

  package let path: String
  package let kind: Kind

  package init(path: String, kind: Kind) {
    self.path = path.literalPath
    self.kind = kind
  }

  /// What was asked for, as JSON: with it the folder is one of a search or a study.
  package var settings: String { "\(path)/\(kind.rawValue).json" }
  /// What has been done, a line each.
  package var journal: String { "\(path)/\(kind.rawValue).jsonl" }
  /// All rows, as comma-separated values.
  package var table: String { "\(path)/\(kind == .search ? "table" : "study").csv" }
  /// The best recipe of a search.
  package var best: String { path + "/best.json" }
  /// What a study says.
  package var summary: String { path + "/summary.json" }
  /// What there is to see of a search.
  package var page: String { path + "/search.html" }

  /// What the folder at a path is of; nil for neither.
  package static func kind(of path: String) -> Kind? {
    Kind.allCases.first { FileManager.default.fileExists(atPath: TrialFolder(path: path, kind: $0).settings) }
  }

  /// Whether a search or a study has begun here.
  package var isUsed: Bool { FileManager.default.fileExists(atPath: settings) }

  /// Gets the right to write into the folder, which is created where it is missing.
  ///
  /// `mayContinue` says whether one that has begun there is to go on; `created` are folders that the caller made for it,
  /// outermost first, which go again if nothing comes into them.
  ///
  /// - Throws: `RunError` with exit code 73 if it cannot be written, if somebody else writes there, or if something lies there
  ///   that would be overwritten.
  package func claim(mayContinue: Bool, created: [String] = []) throws(RunError) -> FolderLock {
    let isUsed = isUsed
    guard !isUsed || mayContinue else {
      throw RunError(
        "\(path) already holds a \(kind.rawValue): go on with it by --resume, or name another folder with --out",
        exitCode: 73)
    }
    let files = [settings, journal, table, best, summary, page].filter {
      FileManager.default.fileExists(atPath: $0)
    }
    guard isUsed || files.isEmpty else {
      let names = files.map { $0.dropFirst(path.count + 1) }.joined(separator: ", ")
      throw RunError(
        "\(path) is not a \(kind.rawValue)'s folder and holds \(names), which would be overwritten: name another folder with "
          + "--out", exitCode: 73)
    }
    do throws(FileError) {
      var claim = try FolderClaim(path, created: created)
      switch try claim.attempt() {
      case .taken(let lock): return lock
      case .held(let holder):
        let who = holder.map { "process \($0.process) on \($0.host)" } ?? "another process"
        throw FileError(
          .notCreatable,
          "\(path) is being written by \(who): wait for its end, or name another folder with --out")
      }
    } catch {
      throw RunError(error.description, exitCode: 73)
    }
  }

  /// Writes a file as a whole.
  ///
  /// - Throws: `RunError` with exit code 73 or 74.
  func write(_ text: String, to file: String) throws(RunError) {
    do throws(FileError) { try writeFile(text.utf8, to: file) } catch { throw RunError(error) }
  }

  /// Reads what was asked for.
  ///
  /// - Throws: `RunError` with exit code 65 if it is no such settings, 66 if there are none.
  package func readSettings<Value: Decodable>(_ type: Value.Type) throws(RunError) -> Value {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try readFile(settings) } catch { throw RunError(error) }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw RunError(
        "\(settings): expected the settings of a \(kind.rawValue), found other text", exitCode: 65)
    }
  }

  /// As JSON for people.
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }
}
