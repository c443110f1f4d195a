internal import Files
internal import Foundation

/// How many ranks `mpirun` starts on the hosts of a hostfile that leaves the number to it.
package enum OpenSlots {
  /// Counts the slots of all hosts: those that the file gives, and for the others those that Open MPI gives them, which
  /// are a host's cores. It is asked only if it has to count, since it logs in to the hosts for that.
  ///
  /// - Parameters:
  ///   - hostfile: The hosts.
  ///   - path: Where `mpirun` finds the file.
  ///   - options: Further arguments for `mpirun`.
  ///   - parameters: Open MPI's parameters, as for the job itself.
  ///   - environment: What `mpirun` is called in.
  ///   - signals: What ends the wait; nil to leave signals to whoever collects them.
  /// - Returns: The slots; nil if a signal asked for a stop meanwhile.
  /// - Throws: `JobError` with exit code 69 and Open MPI's reason if it cannot tell.
  package static func count(
    _ hostfile: Hostfile, path: String, options: [String] = [], parameters: [MPIRun.Parameter] = [],
    environment: [String: String], signals: SignalQueue?
  ) throws(JobError) -> Int? {
    if let slots = hostfile.slots { return slots }
    let files = FileManager.default
    let base = files.temporaryDirectory
      .appendingPathComponent("lockstep-slots-\(ProcessInfo.processInfo.processIdentifier)").path
    let (output, errors) = (base + ".out", base + ".err")
    defer { for file in [output, errors] { try? files.removeItem(atPath: file) } }
    // Without a number of ranks there is one for each slot. OMPI_UNIVERSE_SIZE would count this host's cores in, also where
    // the file does not name it.
    var call = MPIRun(ranks: nil, hostfile: path, binding: .none, options: options)
    call.parameters = parameters
    let child = try ChildProcess(
      call.words(["OMPI_COMM_WORLD_SIZE"], program: "printenv", environment: environment),
      environment: environment, output: .file(output), errors: .file(errors))
    guard let code = signals.map({ child.wait(unlessStoppedBy: $0) }) ?? child.wait() else { return nil }
    func text(_ file: String) -> String {
      String(decoding: files.contents(atPath: file) ?? Data(), as: UTF8.self)
    }
    if code == 0, let slots = text(output).split(whereSeparator: \.isWhitespace).last.flatMap({ Int($0) }),
      slots > 0
    {
      return slots
    }
    let reason = text(errors).split(separator: "\n").first { line in
      line.contains(where: \.isLetter)
    }
    throw JobError(
      "\(path): mpirun cannot tell how many slots these hosts have: \(reason ?? "it ended with code \(code)")",
      exitCode: 69)
  }
}
