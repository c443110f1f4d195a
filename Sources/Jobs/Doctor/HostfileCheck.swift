/// Whether the hosts of a hostfile can be used: they answer, have this program, and a core for each slot.
package struct HostfileCheck: Sendable {
  /// The hosts to check.
  package let hostfile: Hostfile
  /// The hostfile's path, for sentences.
  package let path: String
  /// The words that log in to a host.
  package let login: [String]
  /// The path of this program, which must be the same on all hosts.
  package let program: String
  /// SHA-256 of this program, in hexadecimal digits.
  package let digest: String?

  /// A check of `hostfile`, which was read from `path`.
  package init(hostfile: Hostfile, path: String, login: [String], program: String, digest: String?) {
    self.hostfile = hostfile
    self.path = path
    self.login = login
    self.program = program
    self.digest = digest
  }

  /// What a host answers.
  package struct Answer: Hashable, Sendable {
    /// SHA-256 of the program there; nil if there is none.
    package var digest: String?
    /// Its physical cores; nil if it cannot tell.
    package var cores: Int?

    /// Reads what the remote command prints.
    package init(parsing text: String) {
      for line in text.split(separator: "\n") {
        let word = line.split(separator: " ").first.map(String.init) ?? ""
        if word.count == 64 {
          digest = word
        } else if let number = Int(word), number > 0 {
          // A host without lscpu counts no cores, which is not to have none.
          cores = number
        }
      }
    }
  }

  /// How a host's program compares with this one.
  package enum ProgramState: String, Sendable {
    case same
    case another
    case missing
  }

  /// The command that a shell on each host runs.
  package var command: String {
    // The remote shell reads the path once more: quotes keep it one word, and an apostrophe in it has to
    // leave them.
    let quoted = "'" + program.replacing("'", with: "'\\''") + "'"
    return "sha256sum <\(quoted) 2>/dev/null; "
      + "lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l"
  }

  /// Asks all hosts at once. Those that do not answer are missing.
  ///
  /// - Throws: `JobError` if the login command cannot be started.
  package func ask() throws(JobError) -> [String: Answer] {
    try Reachability.answers(of: hostfile.hosts.map(\.name), ssh: login, to: command)
      .mapValues { Answer(parsing: $0) }
  }

  /// How the program of a host that answered compares with this one.
  package func programState(_ answer: Answer) -> ProgramState {
    guard let found = answer.digest else { return .missing }
    return found == digest ? .same : .another
  }

  /// What is wrong with each host, in the order of the file.
  package func findings(_ answers: [String: Answer]) -> [Finding] {
    hostfile.hosts.flatMap { host -> [Finding] in
      let place = "\(path), line \(host.line): \(host.name)"
      guard let answer = answers[host.name] else {
        return [
          Finding(
            .problem, "\(place) does not answer",
            advice: "\(login.joined(separator: " ")) \(host.name) true must work without a password")
        ]
      }
      var findings: [Finding] = []
      let state = programState(answer)
      if state != .same {
        findings.append(
          Finding(
            .problem, "\(place) has \(state == .missing ? "no" : "another") program at \(program)",
            advice: "copy this one there, to the same path, or put it on a shared file system"))
      }
      let slots = hostfile.slots(of: host, cores: answer.cores)
      if let slots, let cores = answer.cores, slots > cores {
        findings.append(
          Finding(
            .warning, "\(place) has slots=\(slots) for \(cores) physical cores",
            advice: "slots=\(cores): ranks that share a core take turns"))
      }
      return findings
    }
  }
}
