package import Analysis
package import Datasets
package import Reports
package import Runs

/// What a report says of one or several runs: a page with its plots.
package struct RunReport: Sendable {
  /// The page; the names of its plots are those of their files.
  package private(set) var page: ReportPage

  /// The plots of all sections; no two have the same name.
  package var plots: [ReportPage.Plot] { page.sections.flatMap(\.plots) }

  /// Looks at runs' folders and, with their models, at the dataset that `open` gives for a dataset's name.
  ///
  /// What `open` says is missing is said in the page.
  ///
  /// - Throws: `RunError` if a folder is none of a run or a finished run's model cannot be read.
  package init(
    _ folders: [RunFolder], office: PostalCase, currency: String, open: (_ name: String?) throws -> Dataset
  ) throws {
    let histories = try folders.map { try RunHistory(folder: $0) }
    let runs = try zip(histories, Self.names(histories)).map { history, name in
      try ReportedRun(history, name: name, open: open)
    }
    self.init(runs, office: office, currency: currency)
  }

  private init(_ runs: [ReportedRun], office: PostalCase, currency: String) {
    if runs.count == 1 {
      page = ReportPage(
        title: "Lockstep: \(runs[0].name)", subtitle: Self.description(runs[0].history))
      page.figures = Self.figures(runs[0].history)
    } else {
      page = ReportPage(title: "Lockstep: \(runs.count) runs", subtitle: "")
      page.sections.append(Self.comparison(runs))
    }
    page.sections.append(Self.curves(runs))
    let marks = Self.fileNames(runs.map(\.name))
    for (run, mark) in zip(runs, marks) {
      var sections = Self.sections(run, office: office, currency: currency)
      sections[0].paragraphs = run.notes + sections[0].paragraphs
      if runs.count > 1 { Self.mark(&sections, run.name, mark) }
      page.sections += sections
    }
  }

  /// What is said of one run, at least one section.
  private static func sections(
    _ run: ReportedRun, office: PostalCase, currency: String
  ) -> [ReportPage.Section] {
    var sections: [ReportPage.Section] = []
    if let test = run.test {
      sections.append(quality(test, validation: run.validation))
      sections.append(mistakes(test))
    }
    if let filters = run.filters { sections.append(pictures(of: filters)) }
    sections.append(time(run.history))
    // A postal code is of ten digits.
    if let test = run.test, test.predictions.classCount == PostalFigures.classCount {
      let figures = PostalFigures(test: test.predictions, validation: run.validation, office: office)
      sections.append(postal(figures, currency: currency))
    }
    sections.append(repetition(run.history))
    return sections
  }

  /// Has the sections of one run of several say whose they are.
  private static func mark(_ sections: inout [ReportPage.Section], _ name: String, _ fileName: String) {
    for index in sections.indices {
      sections[index].title = "\(name): \(sections[index].title)"
      sections[index].link = index == 0 ? name : nil
      for plot in sections[index].plots.indices { sections[index].plots[plot].name += "-\(fileName)" }
    }
  }
}
