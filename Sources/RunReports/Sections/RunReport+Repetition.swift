internal import Reports
package import Runs

extension RunReport {
  /// What it takes to train the same model again.
  static func repetition(_ history: RunHistory) -> ReportPage.Section {
    var section = ReportPage.Section("To repeat it", link: "To repeat it")
    var lines: [String] = []
    if let launch = history.launch {
      lines.append("command         " + command(launch))
      lines.append("lockstep        \(launch.version)")
      lines.append("products        \(launch.kernel)")
      lines.append("ranks           \(launch.bindings.joined(separator: "; "))")
      lines.append("dataset         \(launch.dataset)")
      lines.append("  sha256        \(launch.datasetDigest)")
      if let samples = launch.samples { lines.append("  samples       \(samples)") }
    }
    if let result = history.result {
      lines.append("model           \(history.folder.final)")
      lines.append("  sha256        \(result.checkpointDigest)")
      lines.append("parameters      \(result.parametersDigest)")
    }
    lines.append("recipe          \(history.recipe.json())")
    section.code = lines.joined(separator: "\n") + "\n"
    return section
  }

  /// The command of a run as a shell takes it.
  package static func command(_ launch: LaunchFacts) -> String {
    let words = launch.command.map { word in
      word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=,".contains($0) } && !word.isEmpty
        ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
    let ranks = launch.bindings.count
    return (ranks > 1 ? "mpirun -n \(ranks) " : "") + words.joined(separator: " ")
  }
}
