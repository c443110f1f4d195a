import Datasets
import Foundation
import LockstepPhotographs
import Photographs
import Testing

/// What `lockstep read --json` says of digits.
private struct ReadDocument: Decodable {
  struct Photograph: Decodable {
    struct Row: Decodable {
      let text: String
      let digits: [Digit]
    }

    struct Digit: Decodable, Equatable {
      struct Box: Decodable, Equatable {
        var x, y, width, height: Float
      }

      struct RunnerUp: Decodable, Equatable {
        var digit: Int
        var probability: Float
      }

      var digit: Int
      var confidence: Float
      var box: Box
      var corners: [[Float]]
      var probabilities: [Float]
      var noDigit: Float?
      var runnerUp: RunnerUp
    }

    let width, height, rejected: Int
    let rows: [Row]
  }

  let photographs: [Photograph]
}

extension ReadDocument.Photograph.Digit {
  /// A digit of the library's, rounded as the command rounds.
  fileprivate init(_ read: ReadDigit) {
    func rounded(_ value: Float) -> Float { (value * 10_000).rounded() / 10_000 }
    func pixel(_ value: Float) -> Float { (value * 10).rounded() / 10 }
    let box = read.box
    self.init(
      digit: read.digit, confidence: rounded(read.confidence),
      box: Box(x: pixel(box.x), y: pixel(box.y), width: pixel(box.width), height: pixel(box.height)),
      corners: read.corners.map { [pixel($0.x), pixel($0.y)] },
      probabilities: read.probabilities.map(rounded),
      noDigit: rounded(read.noDigitProbability),
      runnerUp: RunnerUp(digit: read.runnerUp, probability: rounded(read.runnerUpProbability)))
  }
}

/// Composed pages as JPEG files.
enum PhotographFiles {
  static func write(_ count: Int, _ difficulty: PageComposer.Difficulty, _ scratch: ScratchFolder) throws
    -> [String]
  {
    let digits = try Dataset(synthetic: SyntheticDigits(seed: 3), trainCount: 1, testCount: 300).read(.test)
    let composer = PageComposer(digits: digits, seed: 9)
    return try (0..<count).map { index in
      let path = scratch("\(difficulty.rawValue)-\(index).jpg")
      let file = composer.page(index, difficulty).picture.jpeg(quality: 92)
      try Data(file).write(to: URL(fileURLWithPath: path))
      return path
    }
  }
}

extension RealRanks {
  /// The library reads as the command does.
  @Test(arguments: [PageComposer.Difficulty.clean, .hard])
  func theLibraryReadsWhatTheCommandReads(_ difficulty: PageComposer.Difficulty) throws {
    let scratch = try ScratchFolder()
    let paths = try PhotographFiles.write(2, difficulty, scratch)
    let outcome = try Command(executable: Command.binary, arguments: ["read", "--json"] + paths).run()
    try #require(outcome.code == 0, "\(outcome.errors)")
    let document = try JSONDecoder().decode(ReadDocument.self, from: Data(outcome.output.utf8))
    let reader = try DigitReader()
    for (photograph, path) in zip(document.photographs, paths) {
      let reading = try reader.read(path: path)
      #expect(!reading.rows.isEmpty && photograph.rows.map(\.text) == reading.lines)
      #expect(photograph.width == reading.width && photograph.height == reading.height)
      #expect(photograph.rejected == reading.rejectedCount)
      #expect(photograph.rows.map(\.digits) == reading.rows.map { $0.map { .init($0) } })
    }
  }
}
