#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Which hosts can be logged in to.
public enum Reachability {
  /// Seconds that a host may take to answer.
  public static let limitSeconds = 5.0

  /// The hosts that run `command` for whoever logs in with `ssh`, words such as `["ssh", "-p", "2222"]`. All are asked
  /// at once. This host itself needs no login.
  ///
  /// - Throws: `ClusterError` if `ssh` cannot be started.
  public static func reachable(
    _ hosts: [String], ssh: [String], command: [String] = ["true"]
  ) throws(ClusterError) -> Set<String> {
    var answered: Set<String> = []
    var asked: [(host: String, login: ChildProcess)] = []
    for host in hosts {
      if isThisHost(host) {
        answered.insert(host)
        continue
      }
      let words = ssh + ["-o", "BatchMode=yes", "-o", "ConnectTimeout=\(Int(limitSeconds))", host] + command
      asked.append((host, try ChildProcess(words, output: .discarded, errors: .discarded)))
    }
    // A login that hangs after connecting has no limit of its own.
    var rounds = Int((limitSeconds + 1) / 0.01)
    while rounds > 0, asked.contains(where: { $0.login.poll() == nil }) {
      usleep(10_000)
      rounds -= 1
    }
    for (host, login) in asked {
      if login.poll() == 0 { answered.insert(host) }
      login.signal(SIGKILL)
      _ = login.wait()
    }
    return answered
  }

  /// Whether a name in a hostfile means the host that this process runs on.
  public static func isThisHost(_ name: String) -> Bool {
    let own = hostName()
    let bare = name.split(separator: "@").last.map(String.init) ?? name
    return ["localhost", "127.0.0.1", "::1", own, own.split(separator: ".").first.map(String.init) ?? own]
      .contains(bare)
  }

  /// What this host calls itself.
  public static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
