import ArgumentParser
import RunReports
import Runs

/// `lockstep report`.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a page about runs: curves, mistakes, time, the postal business case.",
    discussion: """
      Examples:
        lockstep report runs/quick
        lockstep report runs/a runs/b runs/c --out comparison
      Writes report.html, which needs nothing else, and the plots as SVG and PNG. Several runs are overlaid, and named by \
      what differs in their recipes. Every `lockstep train` writes one at its end.
      """)

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run"))
  var runs: [String]

  @Option(
    help: ArgumentHelp(
      "Where to write.", discussion: "Default: the run's folder; with several runs, ./report.",
      valueName: "folder"))
  var out: String?

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var office: PostalOptions

  func run() throws {
    let report = try RunReport(
      runs.map { RunFolder(path: $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0) },
      office: office.postalCase, currency: office.currency, open: dataOptions.open(ofRun:))
    let folder = out ?? (runs.count == 1 ? runs[0] : "report")
    let pictures = try report.write(to: folder)
    print("written: \(folder)/report.html and \(report.plots.count) plots in \(folder)/plots (\(pictures))")
  }
}
