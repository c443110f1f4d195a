import Foundation
import Jobs

/// A call of `mpirun` with this program.
struct MPIRun {
  /// nil to let Open MPI fill all slots.
  var ranks: Int?
  /// A hostfile's path; nil for this host alone.
  var hostfile: String?
  /// Whether ranks may have to share cores, and so are not bound to them.
  var sharesCores: Bool
  /// What the user adds.
  var options: [String]
  /// Whether Open MPI's own messages are left out.
  var isQuiet = true
  /// Open MPI's parameters, by name.
  var parameters: [(name: String, value: String)] = []

  /// This program's path.
  static let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path

  /// This process's environment, fit for `mpirun`.
  static var environment: [String: String] {
    var environment = ProcessInfo.processInfo.environment
    if getuid() == 0 {
      // Whoever is root has decided so before calling this.
      environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    return environment
  }

  /// The words that run `lockstep COMMAND…` on all ranks. The job ends with this process, whatever ends it.
  func words(_ command: [String]) -> [String] {
    var words = ["setpriv", "--pdeathsig", "TERM", "mpirun"]
    if isQuiet { words.append("--quiet") }
    for (name, value) in parameters { words += ["--mca", name, value] }
    if let hostfile { words += ["--hostfile", hostfile] }
    if let ranks { words += ["-n", "\(ranks)"] }
    words += binding
    for name in Self.environment.keys.sorted()
    where name.hasPrefix("LOCKSTEP_") || name.hasPrefix("OPENBLAS_") {
      words += ["-x", name]
    }
    return words + options + [Self.binary] + command
  }

  /// One core for each rank, unless they share cores, or the user or the environment says otherwise.
  private var binding: [String] {
    if sharesCores { return ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"] }
    guard !options.contains("--bind-to"), !options.contains("--oversubscribe"),
      Self.environment["OMPI_MCA_hwloc_base_binding_policy"] == nil
    else { return [] }
    return ["--bind-to", "core"] + (options.contains("--map-by") ? [] : ["--map-by", "core"])
  }
}

extension String {
  /// The words of a command in one string.
  var words: [String] { split(separator: " ").map(String.init) }
}
