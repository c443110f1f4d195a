package import Jobs
internal import Runs

/// `lockstep report` in a process of its own, for a run that is over: whatever happens in it, the run stays as it is.
package struct ReportProcess {
  /// How it ended.
  package enum End: Sendable {
    case written
    /// A signal asked this process to stop.
    case stopped
    /// It could not be started, or ended with this code and a sentence on standard error.
    case failed(reason: String)
  }

  /// The words of the command, the program's path first.
  let words: [String]

  /// The report of the run in `folder`; `options` are further ones of `lockstep report`.
  package init(folder: String, options: [String], program: String = MPIRun.program) {
    // A folder's name may begin with a hyphen.
    words = [program, "report"] + options + ["--", folder]
  }

  /// Runs it to its end, outside of the MPI job that `environment` may be that of. `signals` collects SIGCHLD and what is
  /// to stop it.
  package func run(environment: [String: String], signals: SignalQueue) -> End {
    let marks = ["OMPI_", "PMIX_", "PMI_", "PRTE_", "SLURM_"]
    let own = environment.filter { name, _ in !marks.contains { name.hasPrefix($0) } }
    let child: ChildProcess
    do throws(JobError) {
      child = try ChildProcess(words, environment: own, output: .discarded)
    } catch {
      return .failed(reason: error.description)
    }
    guard let code = child.wait(unlessStoppedBy: signals) else { return .stopped }
    if code == 0 { return .written }
    let cause = code > 128 ? "was ended by signal \(code - 128)" : "ended with code \(code)"
    return .failed(reason: "the process that makes it \(cause)")
  }
}
