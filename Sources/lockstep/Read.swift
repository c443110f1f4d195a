import ArgumentParser
import Files
import Formatting
import Foundation
import Jobs
import Photographs
import Runs

/// `lockstep read`.
struct Read: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read the handwritten digits in photographs.",
    discussion: """
      Finds the digits in photographs of pen on paper (JPEG, PNG, WebP, HEIC, PGM, PPM) and prints them row by row, \
      with how sure the network is of each, in percent. What is no digit is left out.

      A photograph that cannot be read is named, the others are read nevertheless; the exit code is then that of the \
      first failure.

      Examples:
        lockstep read letter.jpg
        lockstep read --text-only scans/ > numbers.txt
        lockstep read letter.jpg --annotate read.png
        lockstep read --json - < letter.jpg
      """)

  @Argument(
    help: ArgumentHelp(
      "Photographs, and folders of them; - is standard input.", valueName: "photograph"))
  var photographs: [String]

  @Option(
    help: ArgumentHelp(
      "A checkpoint to read with, instead of the model that comes with the program.", valueName: "file"))
  var model: String?

  @Flag(help: "Print the digits alone, a line for each row; an empty line between photographs.")
  var textOnly = false

  @Flag(help: "Print boxes, digits and probabilities as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write the photograph as PNG with a frame around each digit; of several photographs into this folder.",
      valueName: "file|folder"))
  var annotate: String?

  func validate() throws {
    try requireName(model, "--model")
    try requireName(annotate, "--annotate")
    if photographs.contains("") { throw ValidationError("a photograph needs a name, found an empty one") }
    if textOnly, json { throw ValidationError("--text-only and --json exclude each other") }
    if photographs.count(where: { $0 == "-" }) > 1 {
      throw ValidationError("standard input can be read once, found - twice")
    }
  }

  func run() throws {
    let batch = try PhotographBatch(named: photographs)
    let names = try annotate.map { try batch.annotatedNames(in: $0, wantsFolder: wantsFolder(batch, $0)) }
    let workers = min(ProcessorSet().cores, batch.paths.count)
    let readers = ReaderPool(try (0..<workers).map { _ in try reader() })
    let isWatched = isatty(STDERR_FILENO) == 1 && batch.paths.count > 1
    var document: [ReadingDocument.Photograph] = []
    var failure: PhotographFailure?
    var done = 0
    try batch.read(with: readers, workers: workers, annotates: annotate != nil) { outcome in
      let name = outcome.path == "-" ? "standard input" : outcome.path
      if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      switch outcome.result {
      case .success(let reading):
        if let names, let picture = outcome.annotated { try writeFile(picture, to: names[done]) }
        if reading.isIncomplete {
          Console.notice("\(name): it is damaged or ends early; what could be seen was read")
        }
        if json {
          document.append(.init(file: name, reading))
        } else {
          show(reading, name, done, batch.paths.count)
        }
      case .failure(let error):
        failure = failure ?? error
        if json { document.append(.init(file: name, error: error.description)) }
        if batch.paths.count > 1 { Console.notice(error.description) }
      }
      done += 1
      if isWatched, done < batch.paths.count {
        FileHandle.standardError.write(Data("\(done) of \(batch.paths.count) photographs".utf8))
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Console.write(String(decoding: try encoder.encode(ReadingDocument(document)), as: UTF8.self) + "\n")
    }
    guard let failure else { return }
    if batch.paths.count > 1 { throw ExitCode(failure.exitCode) }
    throw RunError(failure.description, exitCode: failure.exitCode)
  }

  private func reader() throws -> PhotographReader {
    PhotographReader(try NetworkRecognizer.opened(path: model))
  }

  private func wantsFolder(_ batch: PhotographBatch, _ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return batch.paths.count > 1 || path.hasSuffix("/")
      || FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  private func show(_ reading: Reading, _ name: String, _ index: Int, _ count: Int) {
    var text = ""
    if textOnly {
      if index > 0 { text += "\n" }
      text += reading.lines.map { $0 + "\n" }.joined()
    } else {
      if count > 1 { text += (index > 0 ? "\n" : "") + "\(name)\n" }
      if reading.rows.isEmpty { text += "no digits\n" }
      let width = reading.lines.map(\.count).max() ?? 0
      for (line, row) in zip(reading.lines, reading.rows) {
        let confidences = row.map { Numbers.fixed(100 * Double($0.confidence), 1) }.joined(separator: " ")
        text += line + String(repeating: " ", count: width - line.count) + "   " + confidences + "\n"
      }
    }
    Console.write(text)
  }
}
