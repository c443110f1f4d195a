import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

extension RealRanks {
  /// `lockstep report`, and the one that `train` writes.
  @Suite struct ReportTests {
    /// A page as a test sees it.
    private final class Page: NSObject, XMLParserDelegate {
      private(set) var tables: [[[String]]] = []
      private(set) var headings: [String] = []
      private(set) var code = ""
      private(set) var captions = 0
      private(set) var plots: [String] = []
      private var text = ""

      init(path: String) throws {
        super.init()
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let parser = XMLParser(data: data)
        parser.delegate = self
        let isWellFormed = parser.parse()
        #expect(isWellFormed, "\(String(describing: parser.parserError)), line \(parser.lineNumber)")
        // Nothing is fetched from anywhere.
        let page = String(decoding: data, as: UTF8.self)
        for word in ["src=\"http", "href=\"http", "url(", "<script", "@import"] {
          #expect(!page.contains(word))
        }
      }

      func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
      ) {
        text = ""
        if name == "table" { tables.append([]) }
        if name == "tr" { tables[tables.count - 1].append([]) }
        if name == "svg" { plots.append(attributes["aria-label"] ?? "") }
      }

      func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

      func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
      ) {
        switch name {
        case "td", "th":
          let table = tables.count - 1
          tables[table][tables[table].count - 1].append(text)
        case "h2": headings.append(text)
        case "pre": code += text
        case "figcaption": captions += 1
        default: break
        }
      }

      func table(_ firstCell: String) -> [[String]] { tables.first { $0.first?.first == firstCell } ?? [] }
    }

    private func train(_ scratch: borrowing ScratchFolder, _ name: String, _ words: [String] = []) throws {
      let outcome = try Command(
        executable: Command.binary,
        arguments: [
          "train", "--quiet", "--data", "synthetic:2000", "--validation", "400", "--epochs", "2", "--run",
          scratch(name),
        ] + words
      ).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
    }

    private struct Epoch: Decodable {
      var event: String
      var loss: Double?
      var validationAccuracy: Double?
      var imagesPerSecond: Double?
    }

    private struct Result: Decodable {
      var testErrors: Int
      var testConfusion: [[Int]]
      var checkpointDigest: String
    }

    /// The page's numbers are those of metrics.jsonl and result.json; the plots are there in both formats.
    @Test func trainingEndsWithAReportOfItsNumbers() throws {
      let scratch = try ScratchFolder()
      try train(scratch, "run")
      let page = try Page(path: scratch("run/report.html"))
      let epochs = try String(contentsOfFile: scratch("run/metrics.jsonl"), encoding: .utf8).split(
        separator: "\n"
      )
      .map { try JSONDecoder().decode(Epoch.self, from: Data($0.utf8)) }.filter { $0.event == "epoch" }
      let rows = page.table("epoch").dropFirst()
      #expect(rows.count == 2 && epochs.count == 2)
      for (row, epoch) in zip(rows, epochs) {
        #expect(row[1] == String(format: "%.4f", epoch.loss ?? 0))
        #expect(row[4] == String(format: "%.2f", epoch.validationAccuracy ?? 0))
        #expect(row[5].filter(\.isNumber) == "\(Int((epoch.imagesPerSecond ?? 0).rounded()))")
      }
      let result = try JSONDecoder().decode(
        Result.self, from: Data(contentsOf: URL(fileURLWithPath: scratch("run/result.json"))))
      let digits = page.table("digit").dropFirst()
      #expect(digits.map { $0[1] } == result.testConfusion.map { "\($0.reduce(0, +))" })
      for (digit, row) in digits.enumerated() {
        let counts = result.testConfusion[digit]
        #expect(row[3] == String(format: "%.2f", 100 * Double(counts[digit]) / Double(counts.reduce(0, +))))
      }
      // Mistakes and the sixteen filters of the first layer.
      #expect(page.captions == result.testErrors + 16)
      #expect(page.code.contains(result.checkpointDigest) && page.code.contains("synthetic:2000"))
      #expect(page.code.contains("letters a year") && page.code.contains("--epochs 2"))
      #expect(page.headings.count == 7 && page.plots.count == 9, "\(page.headings) \(page.plots)")
      for name in ["loss", "accuracy", "learning-rate", "confusion", "calibration", "time", "throughput"] {
        let svg = try Data(contentsOf: URL(fileURLWithPath: scratch("run/plots/\(name).svg")))
        #expect(XMLParser(data: svg).parse())
        #expect(FileManager.default.fileExists(atPath: scratch("run/plots/\(name).png")))
      }
    }

    /// A run that is not over has the model of its newest checkpoint that is intact; what is missing is said.
    @Test func aRunThatIsNotOverIsReportedAsFarAsItIs() throws {
      let scratch = try ScratchFolder()
      try train(scratch, "run", ["--no-report"])
      #expect(!FileManager.default.fileExists(atPath: scratch("run/report.html")))
      for name in ["result.json", "final.safetensors"] {
        try FileManager.default.removeItem(atPath: scratch("run/\(name)"))
      }
      let newest = try #require(checkpoints(scratch("run")).last)
      let damaged = URL(fileURLWithPath: scratch("run/checkpoints/\(newest)"))
      try Data(contentsOf: damaged).dropLast().write(to: damaged)
      try FileManager.default.copyItem(atPath: scratch("run"), toPath: scratch("copy"))
      let outcome = try Command(
        executable: Command.binary,
        arguments: ["report", scratch("run"), scratch("copy"), "--out", scratch("both")]
      ).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      let text = try String(contentsOfFile: scratch("both/report.html"), encoding: .utf8)
      #expect(text.contains("A checkpoint was passed over: \(damaged.path): "))
      // The first of two epochs of 25 steps.
      #expect(text.contains("This run has not come to its end: the model is that after step 25."))
      let page = try Page(path: scratch("both/report.html"))
      #expect(page.table("run").dropFirst().map { $0[0] } == ["run", "copy"])
      #expect(page.headings.contains("copy: Mistakes"), "\(page.headings)")
      for name in ["loss", "confusion-run", "confusion-copy"] {
        #expect(FileManager.default.fileExists(atPath: scratch("both/plots/\(name).svg")))
      }
    }
  }
}
