import ArgumentParser
import Datasets
import Foundation
import Jobs
import Reports
import Runs
import Training

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

extension DataOptions {
  /// The dataset that `--data` names, else the one a run names if it was drawn, else the usual one.
  func open(ofRun name: String?) throws -> Dataset {
    if data == nil, let name, name.hasPrefix("synthetic") {
      return try DatasetSource.resolve(option: name, environment: [:]).open()
    }
    return try open()
  }
}

extension RunReport {
  /// Writes `report.html` and `plots/`; returns which kinds of plots there are.
  ///
  /// - Throws: `RunError` if the folder cannot be written.
  func write(to folder: String) throws -> String {
    do {
      let plotFolder = folder + "/plots"
      try FileManager.default.createDirectory(atPath: plotFolder, withIntermediateDirectories: true)
      try Data(page.html().utf8).write(to: URL(fileURLWithPath: folder + "/report.html"), options: .atomic)
      for plot in plots {
        try Data(plot.drawing.file.utf8)
          .write(to: URL(fileURLWithPath: "\(plotFolder)/\(plot.name).svg"), options: .atomic)
      }
      return convert(plotFolder)
        ? "SVG, PNG" : "SVG; for PNG too, install rsvg-convert (Debian: librsvg2-bin)"
    } catch let error as CocoaError {
      throw RunError("\(folder): the report cannot be written: \(error.localizedDescription)", exitCode: 73)
    }
  }

  /// Has librsvg's program make PNG of the plots; false if it is not there.
  private func convert(_ folder: String) -> Bool {
    let calls = plots.compactMap { plot in
      try? ChildProcess(
        [
          "rsvg-convert", "--zoom", "2", "--output", "\(folder)/\(plot.name).png",
          "\(folder)/\(plot.name).svg",
        ],
        output: .discarded, errors: .discarded)
    }
    return calls.map { $0.wait() }.allSatisfy { $0 == 0 } && calls.count == plots.count
  }
}

extension TrainingConsole {
  /// Writes a finished run's report into its folder. That the report fails is no failure of the run.
  func writeReport(folder: RunFolder, dataOptions: DataOptions) {
    do {
      let office = try PostalOptions.parse([])
      let report = try RunReport(
        [folder], office: office.postalCase, currency: office.currency, open: dataOptions.open(ofRun:))
      _ = try report.write(to: folder.path)
      showReport(at: folder.path + "/report.html")
    } catch {
      notice("no report: \(error)")
    }
  }
}
