internal import Files
internal import Jobs
internal import Reports
internal import Runs

extension RunReport {
  /// Writes `report.html` and `plots/`; returns in words which kinds of plots there are.
  ///
  /// - Throws: `RunError` with exit code 73 or 74 if the folder cannot be written, or holds files of these names that
  ///   are no report's.
  package func write(to folder: String) throws -> String {
    let plotFolder = "\(folder)/plots"
    try Self.requireReport("\(folder)/report.html", mark: "<title>Lockstep")
    for plot in plots {
      let path = "\(plotFolder)/\(plot.name)"
      try Self.requireReport(path + ".svg", mark: Self.plotMark)
      // A picture is told by the plot it was made from.
      if ReportedRun.exists(path + ".png"), !ReportedRun.exists(path + ".svg") {
        throw RunError("\(path).png: there is a file that no report made, and it is kept", exitCode: 73)
      }
    }
    let text = try page.html()
    do throws(FileError) {
      try PendingFile.createFolder(plotFolder)
      try writeFile(text.utf8, to: "\(folder)/report.html")
      for plot in plots { try writeFile(plot.drawing.file.utf8, to: "\(plotFolder)/\(plot.name).svg") }
    } catch {
      throw RunError("\(folder): the report cannot be written: \(error)", exitCode: error.exitCode)
    }
    return convert(plotFolder) ? "SVG, PNG" : "SVG; for PNG too, install rsvg-convert (Debian: librsvg2-bin)"
  }

  private static let plotMark = "class=\"plot\""

  /// Checks that a file is an older report's, or not there.
  private static func requireReport(_ path: String, mark: String) throws(RunError) {
    guard ReportedRun.exists(path) else { return }
    let start = (try? ReadableFile(path: path).read(0..<1024)) ?? []
    guard !String(decoding: start, as: UTF8.self).contains(mark) else { return }
    throw RunError("\(path): there is a file that no report made, and it is kept", exitCode: 73)
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
