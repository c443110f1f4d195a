import ArgumentParser
import RunReports
import Runs
import TensorBoard

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
  @OptionGroup var productOptions: ProductOptions
  @OptionGroup var office: PostalOptions

  /// What `train` calls at its end.
  @Flag(help: ArgumentHelp("Write the end of a run into its TensorBoard events too.", visibility: .hidden))
  var tensorboard = false

  @Flag(help: ArgumentHelp("Write no page.", visibility: .hidden))
  var noPage = false

  func validate() throws {
    try requireName(out, "--out")
    for run in runs { try requireName(run, "a run's folder") }
  }

  func run() throws {
    try productOptions.choose()
    if !noPage { try writePage() }
    if tensorboard {
      for run in runs {
        try EventFile.writeEnd(of: RunFolder(path: run), openDataset: dataOptions.open(ofRun:))
      }
    }
  }

  private func writePage() throws {
    let report = try RunReport(
      runs.map { RunFolder(path: $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0) },
      office: office.postalCase, currency: office.currency, open: dataOptions.open(ofRun:))
    let folder = out ?? (runs.count == 1 ? runs[0] : "report")
    let pictures = try report.write(to: folder)
    print("written: \(folder)/report.html and \(report.plots.count) plots in \(folder)/plots (\(pictures))")
  }
}
