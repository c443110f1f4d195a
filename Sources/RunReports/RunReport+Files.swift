internal import Files
internal import Jobs
internal import Reports
internal import Runs

extension RunReport {
  /// Writes `report.html` and `plots/`; returns in words which kinds of plots there are.
  ///
  /// - Throws: `RunError` if the folder cannot be written.
  package func write(to folder: String) throws -> String {
    let plotFolder = "\(folder)/plots"
    let text = try page.html()
    do throws(FileError) {
      try PendingFile.createFolder(plotFolder)
      try writeFile(text.utf8, to: "\(folder)/report.html")
      for plot in plots { try writeFile(plot.drawing.file.utf8, to: "\(plotFolder)/\(plot.name).svg") }
    } catch {
      throw RunError("\(folder): the report cannot be written: \(error)", exitCode: 73)
    }
    return convert(plotFolder) ? "SVG, PNG" : "SVG; for PNG too, install rsvg-convert (Debian: librsvg2-bin)"
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
