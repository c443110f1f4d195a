package import Files
internal import Foundation

/// Appends lines to `metrics.jsonl` as the root trains.
package final class MetricsWriter {
  /// Lines reach the file when there are so many bytes of them.
  private static let flushSize = 1 << 16

  private let file: GrowingFile
  /// That nobody else writes; held as long as this writer lives.
  private let lock: FolderLock
  private let encoder = JSONEncoder()
  private var pending = LineBuffer(capacity: 2 * MetricsWriter.flushSize)
  private var lastFlush = MonotonicClock.now()

  /// Opens the file and drops the lines of steps after `step`, which a run that died left there.
  ///
  /// `lock` is that of the file's folder; nil to take it here.
  ///
  /// - Throws: `RunError` with exit code 73 if somebody else writes into the folder or the file cannot be written.
  package init(path: String, continuingAfter step: Int, lock: FolderLock? = nil) throws(RunError) {
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    if let lock { self.lock = lock } else { self.lock = try Self.lock(for: path) }
    do throws(FileError) {
      // What is kept takes the file's place as a whole: a crash here must not lose what is known of the run.
      file = try GrowingFile(path: path, startingWith: [UInt8](Self.lines(of: path, upTo: step)))
    } catch {
      throw RunError("\(path) cannot be written: \(error)", exitCode: 73)
    }
  }

  private static func lock(for path: String) throws(RunError) -> FolderLock {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard FileManager.default.fileExists(atPath: folder) else {
      throw RunError("\(path) cannot be written: there is no folder \(folder)", exitCode: 73)
    }
    do throws(FileError) {
      return try FolderLock.take(folder, to: "record a run")
    } catch {
      throw RunError("\(path) cannot be written: \(error)", exitCode: 73)
    }
  }

  /// The whole lines of the file that are of no later step; none if there is no file.
  private static func lines(of path: String, upTo step: Int) -> Data {
    let old = (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()
    var kept = Data()
    for line in old.split(separator: UInt8(ascii: "\n")) {
      guard let head = try? JSONDecoder().decode(StepOnly.self, from: line) else { continue }
      if head.step <= step { kept += line + [UInt8(ascii: "\n")] }
    }
    return kept
  }

  private struct StepOnly: Decodable {
    var step: Int
  }

  /// Appends a step's line; lines reach the file some at a time.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  package func append(_ record: StepRecord) throws {
    record.appendLine(to: &pending)
    // Often enough for those who watch.
    if pending.bytes.count > Self.flushSize || MonotonicClock.now() - lastFlush > 1 { try flush() }
  }

  /// Appends a line.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  package func append(_ record: some Encodable) throws {
    pending.append(try encoder.encode(record))
    pending.write("\n")
    if pending.bytes.count > Self.flushSize { try flush() }
  }

  /// Hands what was appended to the file system.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  package func flush() throws {
    try file.append(pending.bytes)
    pending.removeAll()
    lastFlush = MonotonicClock.now()
  }

  /// Flushes, and waits until everything is on the disk.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  package func synchronize() throws {
    try flush()
    try file.synchronize()
  }
}
