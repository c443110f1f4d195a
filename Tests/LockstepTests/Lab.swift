import Foundation
import Testing

/// Hosts in network namespaces: `cluster/lab/lab`, under a name of this process's own. Down with its owner.
final class Lab {
  static let isAvailable = getuid() == 0
  /// Whether tests that take long are wanted as well.
  static let isThorough = ProcessInfo.processInfo.environment["LOCKSTEP_TEST_ALL"] != nil

  private static let script = Checkout.root.appendingPathComponent("cluster/lab/lab").path
  private static let name = "test-\(ProcessInfo.processInfo.processIdentifier)"
  /// The folder that each host has for itself.
  static let local = "/var/lib/lockstep-lab/\(name)/local"

  let hostCount: Int

  init(hosts: Int, _ options: String...) throws {
    hostCount = hosts
    let up = try command(["up", "\(hosts)"] + options).run()
    try #require(up.code == 0, "\(up.errors)")
  }

  deinit {
    _ = try? command(["down"]).run()
  }

  /// `lab ARGUMENTS`.
  func command(_ arguments: [String]) -> Command {
    Command(executable: Self.script, arguments: ["--name", Self.name] + arguments)
  }

  /// `lab ARGUMENTS`, which must succeed; what it prints.
  @discardableResult
  func callAsFunction(_ arguments: String...) throws -> String {
    let outcome = try command(arguments).run()
    try #require(outcome.code == 0, "lab \(arguments.joined(separator: " ")): \(outcome.errors)")
    return outcome.output
  }

  /// mpirun over all hosts, a rank on each unless `mpi` says otherwise.
  func ranks(_ count: Int, mpi: [String] = [], _ arguments: [String]) -> Command {
    command(["run", "--quiet", "-n", "\(count)", "--map-by", "node"] + mpi + [Command.binary] + arguments)
  }

  /// The hosts that still run something besides sshd when they have had time to end it.
  func leftovers() throws -> [Substring] {
    var busy: [Substring] = []
    for _ in 0..<200 {
      busy = try callAsFunction("status").split(separator: "\n").filter { $0.contains("running") }
      if busy.isEmpty { break }
      usleep(100_000)
    }
    return busy
  }
}
