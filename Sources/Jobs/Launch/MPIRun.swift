internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A call of `mpirun` with this program.
package struct MPIRun: Hashable, Sendable {
  /// The number of ranks; nil to let Open MPI fill all slots.
  package var ranks: Int?
  /// A hostfile's path; nil for this host alone.
  package var hostfile: String?
  /// Where ranks may run, unless the user's `options` or the environment say so.
  package var binding: Binding
  /// What the user adds.
  package var options: [String]
  /// Whether Open MPI's own messages are left out.
  package var isQuiet = true
  /// Open MPI's parameters, by name.
  package var parameters: [Parameter] = []

  /// Variables that the ranks get besides those of the environment, by name.
  package var variables: [String: String] = [:]

  /// One of Open MPI's parameters (`--mca NAME VALUE`).
  package struct Parameter: Hashable, Sendable {
    /// As in `oob_tcp_keepalive_time`.
    package var name: String
    /// What it is set to.
    package var value: String

    /// The parameter `name`, set to `value`.
    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A call with `ranks` ranks.
  package init(ranks: Int?, hostfile: String? = nil, binding: Binding, options: [String] = []) {
    self.ranks = ranks
    self.hostfile = hostfile
    self.binding = binding
    self.options = options
  }

  /// The words that run `program COMMAND…` on all ranks in `environment`, whose variables of Lockstep and
  /// OpenBLAS go to all hosts. The job ends with this process, whatever ends it.
  package func words(_ command: [String], program: String, environment: [String: String]) -> [String] {
    var words = ["setpriv", "--pdeathsig", "TERM", "mpirun"]
    if isQuiet { words.append("--quiet") }
    for parameter in parameters { words += ["--mca", parameter.name, parameter.value] }
    if let hostfile { words += ["--hostfile", hostfile] }
    if let ranks { words += ["-n", "\(ranks)"] }
    words += bindingWords(environment)
    for name in environment.keys.sorted()
    where (name.hasPrefix("LOCKSTEP_") || name.hasPrefix("OPENBLAS_")) && variables[name] == nil {
      words += ["-x", name]
    }
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) { words += ["-x", "\(name)=\(value)"] }
    return words + options + [program] + command
  }

  private func bindingWords(_ environment: [String: String]) -> [String] {
    switch binding {
    case .shared: return ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    case .core, .none:
      guard !options.contains("--bind-to"), !options.contains("--oversubscribe"),
        environment["OMPI_MCA_hwloc_base_binding_policy"] == nil
      else { return [] }
      // Open MPI counts the host's cores and may find fewer than it was told to use.
      if binding == .none { return ["--oversubscribe", "--bind-to", "none"] }
      return ["--bind-to", "core"] + (options.contains("--map-by") ? [] : ["--map-by", "core"])
    }
  }

  /// This program's path.
  package static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path

  /// This process's environment, fit for `mpirun`.
  package static var environment: [String: String] {
    let own = ProcessInfo.processInfo.environment
    return getuid() == 0 ? allowingRoot(own) : own
  }

  /// `mpirun` refuses to run as root unless told twice that this is meant; root has decided that already by
  /// calling us.
  private static func allowingRoot(_ environment: [String: String]) -> [String: String] {
    environment.merging(["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]) { $1 }
  }
}

extension String {
  /// The words of a command in one string, which spaces divide.
  package var words: [String] { split(separator: " ").map(String.init) }
}
