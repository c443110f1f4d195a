internal import Foundation

/// The hosts that `mpirun --hostfile` names, in Open MPI's syntax: a name or address per line, optionally
/// `slots=N`, comments from `#` on.
package struct Hostfile: Hashable, Sendable {
  /// One line of the file.
  package struct Host: Hashable, Sendable {
    /// A name or an address, with `user@` in front where the file has it.
    package var name: String
    /// Ranks that may run there; nil where the file leaves it to Open MPI, which takes the host's cores.
    package var slots: Int?
    /// The line's number, from 1.
    package var line: Int

    /// A host as a line of the file has it.
    package init(name: String, slots: Int? = nil, line: Int = 0) {
      self.name = name
      self.slots = slots
      self.line = line
    }
  }

  /// The hosts, in the order of the file.
  package var hosts: [Host]

  /// A hostfile of these hosts.
  package init(hosts: [Host]) {
    self.hosts = hosts
  }

  /// Reads a hostfile.
  ///
  /// - Throws: `JobError` with exit code 66 if it cannot be read, 65 if something is wrong in it.
  package init(path: String) throws(JobError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw JobError("--hostfile: '\(path)' cannot be read", exitCode: 66)
    }
    try self.init(parsing: String(decoding: data, as: UTF8.self), origin: path)
  }

  /// Reads a hostfile's text.
  ///
  /// A host that stands in several lines is one host with the slots of all, as for Open MPI.
  ///
  /// - Throws: `JobError` naming `origin`, the line, what was expected and what was found.
  package init(parsing text: String, origin: String) throws(JobError) {
    hosts = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let content = line.prefix { $0 != "#" }
      let words = content.replacing("=", with: " = ").split(whereSeparator: \.isWhitespace)
      guard let name = words.first else { continue }
      func fail(_ sentence: String) -> JobError {
        JobError("\(origin), line \(index + 1): \(sentence)", exitCode: 65)
      }
      guard name != "=", name.allSatisfy({ $0.isLetter || $0.isNumber || "-._:@[]".contains($0) }) else {
        throw fail("expected a host's name or address, found '\(name)'")
      }
      var host = Host(name: String(name), line: index + 1)
      var rest = words.dropFirst()
      while let key = rest.popFirst() {
        guard ["slots", "cpu", "count"].contains(key) else {
          if ["max_slots", "max-slots"].contains(key) {
            throw fail("'\(key)' is not taken beside slots by all versions of Open MPI: leave it out")
          }
          throw fail("expected slots=N behind the name, found '\(key)'")
        }
        guard rest.popFirst() == "=", let text = rest.popFirst() else {
          throw fail("expected a number behind '\(key)='")
        }
        guard let slots = Int(text), slots > 0 else {
          throw fail("expected a number of slots from 1 up, found '\(text)'")
        }
        host.slots = slots
      }
      if let known = hosts.firstIndex(where: { $0.name == host.name }) {
        // Without slots every mention is one more.
        hosts[known].slots = (hosts[known].slots ?? 1) + (host.slots ?? 1)
      } else {
        hosts.append(host)
      }
    }
    guard !hosts.isEmpty else { throw JobError("\(origin) names no host", exitCode: 65) }
  }

  /// The ranks that may run on all hosts; nil where some host's number is left to Open MPI.
  package var slots: Int? {
    hosts.reduce(0) { sum, host in sum.flatMap { sum in host.slots.map { sum + $0 } } }
  }

  /// The hostfile as text.
  package var text: String {
    hosts.map { host in host.name + (host.slots.map { " slots=\($0)" } ?? "") + "\n" }.joined()
  }
}
