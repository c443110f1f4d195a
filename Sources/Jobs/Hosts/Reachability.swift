internal import Files
internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Which hosts can be logged in to.
package enum Reachability {
  /// Seconds that a host may take to answer.
  package static let limitSeconds = 5.0

  /// The hosts that can be logged in to with `ssh`, words such as `["ssh", "-p", "2222"]`.
  ///
  /// - Throws: as `answers`.
  package static func reachable(_ hosts: [String], ssh: [String]) throws(JobError) -> Set<String> {
    Set(try answers(of: hosts, ssh: ssh, to: "true").keys)
  }

  /// What a shell on each host prints when it runs `command`, by host; those that do not answer, or whose
  /// command fails, are missing. All are asked at once. This host itself needs no login.
  ///
  /// - Throws: `JobError` if `ssh` cannot be started, or what hosts answer cannot be written down.
  package static func answers(
    of hosts: [String], ssh: [String], to command: String
  ) throws(JobError) -> [String: String] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-hosts-\(UUID().uuidString)")
    do throws(FileError) { try PendingFile.createFolder(folder.path) } catch {
      throw JobError(error.description, exitCode: error.exitCode)
    }
    defer { try? FileManager.default.removeItem(at: folder) }
    var asked: [(host: String, file: String, login: ChildProcess)] = []
    for (index, host) in hosts.enumerated() {
      let login = ssh + ["-o", "BatchMode=yes", "-o", "ConnectTimeout=\(Int(limitSeconds))", host, command]
      let file = folder.appendingPathComponent("\(index)").path
      asked.append(
        (
          host, file,
          try ChildProcess(
            LocalHost.isNamed(host) ? ["sh", "-c", command] : login, output: .file(file), errors: .discarded)
        ))
    }
    // A login that hangs after connecting has no limit of its own.
    var rounds = Int((limitSeconds + 1) / 0.01)
    while rounds > 0, asked.contains(where: { $0.login.poll() == nil }) {
      usleep(10_000)
      rounds -= 1
    }
    var answers: [String: String] = [:]
    for (host, file, login) in asked {
      if login.poll() == 0 { answers[host] = (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
      login.signal(SIGKILL)
      _ = login.wait()
    }
    return answers
  }
}
