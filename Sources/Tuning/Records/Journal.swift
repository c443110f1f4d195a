internal import Files
internal import Foundation
internal import Runs

/// What a search or a study has done so far, a line of JSON each: whatever is in it is not done again.
package struct Journal: Sendable {
  package private(set) var records: [TrialRecord] = []
  package private(set) var events: [JournalEvent] = []
  /// The whole lines.
  private(set) var bytes: [UInt8] = []

  /// An empty one.
  package init() {}

  /// Reads a journal; one that is not there yet is empty. A last line without its end, as a job that was killed leaves it, is
  /// left out.
  ///
  /// - Throws: `RunError` with exit code 65 naming the line that is none, 66 or 74 if the file cannot be read.
  package init(path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    let all: [UInt8]
    do throws(FileError) { all = try readFile(path) } catch { throw RunError(error) }
    bytes = Array(all.prefix((all.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1))
    guard !bytes.isEmpty else { return }
    for (index, line) in bytes.dropLast().split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).enumerated() {
      guard let entry = Self.entry(Data(line)) else {
        throw RunError(
          "\(path): line \(index + 1): expected the record of a trial or an event, found "
            + "'\(String(decoding: line.prefix(60), as: UTF8.self))'", exitCode: 65)
      }
      switch entry {
      case .record(let record): records.append(record)
      case .event(let event): events.append(event)
      }
    }
  }

  /// Takes over what was just written.
  mutating func add(_ record: TrialRecord) { records.append(record) }
  mutating func add(_ event: JournalEvent) { events.append(event) }

  /// The trials that have begun and not come to an end, as far as is known: those of the last start.
  package var running: [JournalEvent] {
    let starts = events.indices.filter { events[$0].event != "begin" }
    let begun = events[(starts.last ?? -1).advanced(by: 1)...]
    let done = Set(records.map(\.digest))
    return begun.filter { event in event.digest.map { !done.contains($0) } ?? false }
  }

  private enum Entry {
    case record(TrialRecord)
    case event(JournalEvent)
  }

  private static func entry(_ line: Data) -> Entry? {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let head = try? decoder.decode(Head.self, from: line) else { return nil }
    if head.event == "trial" {
      guard let record = try? decoder.decode(TrialRecord.self, from: line), record.isPlausible else {
        return nil
      }
      return .record(record)
    }
    return (try? decoder.decode(JournalEvent.self, from: line)).map { .event($0) }
  }

  private struct Head: Decodable {
    var event: String
  }
}

/// Writes a journal, on the root alone: a line is on the disk before anything rests on it.
final class JournalWriter {
  private let file: GrowingFile
  private let encoder = JSONEncoder()

  /// Goes on behind the whole lines of `journal`.
  ///
  /// - Throws: `RunError` with exit code 73 if the file cannot be written.
  init(path: String, behind journal: Journal) throws(RunError) {
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do throws(FileError) {
      // As a whole: a crash here must not lose what is known.
      file = try GrowingFile(path: path, startingWith: journal.bytes)
    } catch {
      throw RunError("\(path) cannot be written: \(error)", exitCode: 73)
    }
  }

  /// Appends a line; `isVital` has it on the disk before this returns.
  func append(_ entry: some Encodable, isVital: Bool) throws {
    try file.append(Array(encoder.encode(entry)) + [UInt8(ascii: "\n")])
    if isVital { try file.synchronize() }
  }
}
