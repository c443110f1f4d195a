import ArgumentParser
import RunReports
import Runs

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
