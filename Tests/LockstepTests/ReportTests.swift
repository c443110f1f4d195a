import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

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
      #expect(row[5].filter(\.isNumber) == "\(Int(epoch.imagesPerSecond ?? 0))")
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

  @Test func withoutAReportThereIsNone() throws {
    let scratch = try ScratchFolder()
    try train(scratch, "run", ["--no-report"])
    #expect(!FileManager.default.fileExists(atPath: scratch("run/report.html")))
  }

  @Test func severalRunsAreNamedByWhatDiffers() throws {
    let scratch = try ScratchFolder()
    for seed in ["0", "7"] { try train(scratch, "seed-\(seed)", ["--no-report", "--seed", seed]) }
    let outcome = try Command(
      executable: Command.binary,
      arguments: ["report", scratch("seed-0"), scratch("seed-7"), "--out", scratch("both")]
    ).run()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let page = try Page(path: scratch("both/report.html"))
    #expect(page.table("run").dropFirst().map { $0[0] } == ["seed 0", "seed 7"])
    #expect(page.headings.contains("seed 7: Mistakes"))
    let loss = try String(contentsOfFile: scratch("both/plots/loss.svg"), encoding: .utf8)
    #expect(loss.contains(">seed 0</text>") && loss.contains(">seed 7</text>"))
  }

  /// A run that died after its first epoch and went on.
  @Test func aRestartIsOnTheTimeAxis() throws {
    let scratch = try ScratchFolder()
    try train(scratch, "run")
    for name in checkpoints(scratch("run")).dropFirst() {
      try FileManager.default.removeItem(atPath: scratch("run/checkpoints/\(name)"))
    }
    try train(scratch, "run", ["--resume"])
    let page = try Page(path: scratch("run/report.html"))
    #expect(page.table("event").dropFirst().map { $0[0] } == ["start", "resume", "end"])
    #expect(page.table("event")[2][1] == "25", "steps of the first epoch")
    let plot = try String(contentsOfFile: scratch("run/plots/throughput.svg"), encoding: .utf8)
    #expect(plot.contains(">R</text>") && plot.contains(">c</text>"))
    #expect(page.code.contains("--resume"))
  }

  /// What is missing is said.
  @Test func aRunThatIsNotOverIsReportedAsFarAsItIs() throws {
    let scratch = try ScratchFolder()
    try train(scratch, "run", ["--no-report"])
    for name in ["result.json", "final.safetensors"] {
      try FileManager.default.removeItem(atPath: scratch("run/\(name)"))
    }
    let outcome = try Command(executable: Command.binary, arguments: ["report", scratch("run")]).run()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let text = try String(contentsOfFile: scratch("run/report.html"), encoding: .utf8)
    #expect(text.contains("This run has not come to its end"))
    try FileManager.default.removeItem(atPath: scratch("run/checkpoints"))
    #expect(try Command(executable: Command.binary, arguments: ["report", scratch("run")]).run().code == 0)
    #expect(
      try String(contentsOfFile: scratch("run/report.html"), encoding: .utf8).contains("has no model yet"))
  }

  @Test func aFolderThatIsNoRunIsRefused() throws {
    let scratch = try ScratchFolder()
    let outcome = try Command(executable: Command.binary, arguments: ["report", scratch.path]).run()
    #expect(outcome.code == 66 && outcome.errors.contains("expected a run's folder"), "\(outcome.errors)")
  }
}
