import Datasets
import Foundation
import Photographs
import Testing

extension RealRanks {
  /// `lockstep read` as people call it.
  struct ReadTests {
    /// Pages whose digits are known, as files in a folder.
    private func pages(_ scratch: ScratchFolder, _ count: Int) throws -> [(
      path: String, page: PageComposer.Page
    )] {
      let digits = try Dataset(synthetic: SyntheticDigits(seed: 3), trainCount: 1, testCount: 300).read(.test)
      let composer = PageComposer(digits: digits, seed: 9)
      try FileManager.default.createDirectory(atPath: scratch("pages"), withIntermediateDirectories: true)
      return try (0..<count).map { index in
        let page = composer.page(index, .clean)
        let path = scratch("pages/page-\(index).jpg")
        try Data(page.picture.jpeg(quality: 92)).write(to: URL(fileURLWithPath: path))
        return (path, page)
      }
    }

    private func text(_ page: PageComposer.Page) -> [String] {
      page.rows.map { $0.map { "\($0.digit)" }.joined() }
    }

    private func read(_ words: [String]) throws -> Command.Outcome {
      try Command(executable: Command.binary, arguments: ["read"] + words).run()
    }

    /// How many digits have to be taken out or put in to get from what is there to what was read.
    private func faults(_ read: [String], _ truth: [String]) -> Int {
      guard read.count == truth.count else { return .max }
      return zip(read, truth).reduce(0) { $0 + Array($1.0).difference(from: Array($1.1)).count }
    }

    @Test func aPageIsReadRowByRow() throws {
      let scratch = try ScratchFolder()
      let (path, page) = try pages(scratch, 1)[0]
      let plain = try read([path])
      #expect(plain.code == 0, "\(plain.errors)")
      let lines = plain.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      #expect(faults(lines.map { $0[0] }, text(page)) <= 2, "\(plain.output)")
      // A confidence for each digit.
      #expect(
        lines.allSatisfy { $0.count == $0[0].count + 1 && $0.dropFirst().allSatisfy { Double($0) != nil } })
      let digits = try read(["--text-only", path])
      #expect(digits.output.split(separator: "\n").map(String.init) == lines.map { $0[0] })
    }

    @Test func jsonHasBoxesAndProbabilities() throws {
      let scratch = try ScratchFolder()
      let (path, page) = try pages(scratch, 1)[0]
      let outcome = try read(["--json", path])
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let photograph = try #require((document["photographs"] as? [[String: Any]])?.first)
      #expect(photograph["width"] as? Int == page.picture.width && photograph["file"] as? String == path)
      let rows = try #require(photograph["rows"] as? [[String: Any]])
      #expect(faults(rows.compactMap { $0["text"] as? String }, text(page)) <= 2)
      let digit = try #require((rows[0]["digits"] as? [[String: Any]])?.first)
      let probabilities = try #require(digit["probabilities"] as? [Double])
      #expect(probabilities.count == 10 && probabilities.reduce(0, +) < 1.001)
      #expect(digit["confidence"] as? Double == probabilities[try #require(digit["digit"] as? Int)])
      let box = try #require(digit["box"] as? [String: Double])
      let truth = page.rows[0][0]
      #expect(abs((box["x"] ?? 0) + (box["width"] ?? 0) / 2 - Double(truth.centre.x)) < Double(truth.size))
    }

    /// A folder, a file that is no picture among others, and annotated photographs.
    @Test func oneBadFileDoesNotEndTheRest() throws {
      let scratch = try ScratchFolder()
      let made = try pages(scratch, 3)
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: scratch("pages/page-1a.png")))
      let outcome = try read([scratch("pages"), "--text-only", "--annotate", scratch("read")])
      #expect(outcome.code == 65)
      #expect(outcome.errors.contains("page-1a.png: expected a JPEG, PNG"))
      let blocks = outcome.output.components(separatedBy: "\n\n")
      #expect(blocks.count == 3)
      for (block, page) in zip(blocks, made) {
        #expect(faults(block.split(separator: "\n").map(String.init), text(page.page)) <= 2, "\(block)")
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: scratch("read")).sorted()
      #expect(names == ["page-0.png", "page-1.png", "page-2.png"])
      let picture = try Picture(
        decoding: Array(Data(contentsOf: URL(fileURLWithPath: scratch("read/page-0.png")))), name: "read")
      #expect(picture.width == made[0].page.picture.width && picture.pixels != made[0].page.picture.pixels)
    }

    @Test func standardInputIsAPhotographToo() throws {
      let scratch = try ScratchFolder()
      let (path, page) = try pages(scratch, 1)[0]
      let outcome = try Command(
        executable: "sh", arguments: ["-c", "\"$0\" read --text-only - < \"$1\"", Command.binary, path]
      ).run()
      #expect(
        faults(outcome.output.split(separator: "\n").map(String.init), text(page)) <= 2, "\(outcome.errors)")
    }

    @Test(
      arguments: [
        (["/nonexistent.jpg"], 66, "/nonexistent.jpg: cannot be read"), ([], 64, "photograph"),
        ([""], 64, "empty"),
        (["a.jpg", "--json", "--text-only"], 64, "exclude each other"), (["-", "-"], 64, "twice"),
        (["a.jpg", "--model", "/nonexistent"], 66, "/nonexistent"),
        (["a.jpg", "--annotate", ""], 64, "--annotate"),
        (["/"], 66, "expected pictures"),
      ] as [([String], Int32, String)])
    func wrongUseIsExplained(_ words: [String], _ code: Int32, _ sentence: String) throws {
      let outcome = try read(words)
      #expect(outcome.code == code && outcome.errors.contains(sentence), "\(outcome.errors)")
    }

    @Test func photographsAreNotWrittenOver() throws {
      let scratch = try ScratchFolder()
      let path = try pages(scratch, 1)[0].path
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      let outcome = try read([path, "--annotate", path])
      #expect(outcome.code == 73 && outcome.errors.contains("write over it"), "\(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    /// A model of ten digits reads too; one of other images is refused.
    @Test func modelsOfTheUserReadToo() throws {
      let scratch = try ScratchFolder()
      let (path, _) = try pages(scratch, 1)[0]
      let trained = try Command.ranks(
        1, ["train", "--quiet", "--no-report", "--run", scratch("run")] + smallProblem + ["--epochs", "1"]
      ).run()
      #expect(trained.code == 0, "\(trained.errors)")
      let outcome = try read(["--model", scratch("run/final.safetensors"), path])
      #expect(outcome.code == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
      let small = try Command(
        executable: Command.binary,
        arguments: [
          "photographs", "model", scratch("small.safetensors"), "--from", scratch("run/final.safetensors"),
        ]
      ).run()
      #expect(small.code == 0, "\(small.errors)")
      let same = try read(["--model", scratch("small.safetensors"), path])
      #expect(same.output == outcome.output)
    }

    /// What scripts/train-reader does, cut short: other bits here mean that nobody else gets the model that it makes.
    @Test func theReadersTrainingHasTheSameBitsEverywhere() throws {
      let scratch = try ScratchFolder()
      let made = try Command(
        executable: Command.binary,
        arguments: [
          "photographs", "samples", scratch("samples"), "--count", "600", "--test-count", "60",
          "--data", "synthetic:2000:1",
        ]
      ).run()
      #expect(made.code == 0, "\(made.errors)")
      let model = try String(contentsOfFile: scriptOfReader, encoding: .utf8)
      let network = try #require(model.firstMatch(of: /--network '([^']*)'/)?.1)
      let trained = try Command.ranks(
        2,
        [
          "train", "--quiet", "--no-report", "--data", scratch("samples"), "--run", scratch("run"),
          "--network", String(network), "--epochs", "1", "--global-batch", "128", "--shift", "1", "--seed",
          "0", "--validation", "88",
        ]
      ).run()
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try result(scratch("run"))
      #expect(result["datasetDigest"] as? String == Self.samplesDigest, "\(result["datasetDigest"] ?? "")")
      #expect(
        result["parametersDigest"] as? String == Self.parametersDigest, "\(result["parametersDigest"] ?? "")")
    }

    private static let samplesDigest =
      "19bdb67e8ee907460d7ebeceedfbdf195df7f4cd96c6b47e2aaa90e9fd5ed495"
    private static let parametersDigest =
      "fecdd2a7ff872c99750141f2725d3896c56065ff35348439ef35f5cdc2ce8d6a"

    private var scriptOfReader: String {
      Checkout.root.appendingPathComponent("scripts/train-reader").path
    }
  }
}
