internal import Foundation
internal import Jobs
internal import Runs

/// Hosts in network namespaces on this machine, a rank on each, whose links have a rate and a latency: `cluster/lab`.
package struct LabHosts {
  private let script: String
  private let name: String
  private let environment: [String: String]

  /// The script `cluster/lab/lab`: at `path`, or beside the current folder, or in the checkout that `program` was built in.
  /// nil if it is in none of these.
  package static func find(path: String?, program: String) -> String? {
    if let path { return FileManager.default.isExecutableFile(atPath: path) ? path : nil }
    let built = URL(fileURLWithPath: program).pathComponents
    let checkout = built.lastIndex(of: ".build").map { built[..<$0].joined(separator: "/").dropFirst() }
    return (["."] + (checkout.map { [String($0)] } ?? [])).map { $0 + "/cluster/lab/lab" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Hosts that `script` starts, in `environment`.
  package init(script: String, environment: [String: String]) {
    self.script = script
    name = "grade-\(ProcessInfo.processInfo.processIdentifier)"
    self.environment = environment
  }

  /// Starts `count` hosts with links of `rate` and `delay`, in the words of the lab.
  ///
  /// - Throws: `RunError` with exit code 69 if they cannot be had, in the lab's words.
  package func start(count: Int, rate: String, delay: String) throws {
    let log = FileManager.default.temporaryDirectory.path + "/lockstep-\(name)"
    defer { try? FileManager.default.removeItem(atPath: log) }
    let code = try run(["up", "\(count)", "--rate", rate, "--delay", delay], log: log)
    guard code == 0 else {
      let text = ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").last ?? ""
      throw RunError(
        "no hosts to grade on: \(text.isEmpty ? "\(script) ended with code \(code)" : text)", exitCode: 69)
    }
  }

  /// Ends them, and all that runs on them.
  package func end() {
    _ = try? run(["down"], log: "/dev/null")
  }

  /// The words that run `program COMMAND…` on a rank of each of `ranks` hosts.
  package func words(_ command: [String], ranks: Int, program: String) -> [String] {
    [script, "--name", name, "run", "--quiet", "-n", "\(ranks)", "--map-by", "node", program] + command
  }

  private func run(_ words: [String], log: String) throws -> Int32 {
    try ChildProcess(
      [script, "--name", name] + words, environment: environment, output: .discarded, errors: .file(log)
    ).wait()
  }
}
