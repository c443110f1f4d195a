internal import Foundation

/// The hosts that `mpirun --hostfile` names, in Open MPI's syntax: a name or an IPv4 address per line, optionally `slots=N`,
/// comments from `#` on. What `mpirun` 4.1 refuses is refused here, with a sentence that says why.
package struct Hostfile: Hashable, Sendable {
  /// One line of the file.
  package struct Host: Hashable, Sendable {
    /// A name or an address, with `user@` in front where the file has it.
    package var name: String
    /// Ranks that may run there; nil where the file leaves it to Open MPI, which takes the host's cores, or one for each
    /// line where there are several.
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

  /// More than any host has cores; sums over all lines of a file stay far from overflow.
  package static let mostSlots = 1 << 24

  /// The hosts, in the order of the file.
  package var hosts: [Host]
  /// How often those hosts stand in the file that stand there more than once, without slots.
  private var repeated: [String: Int] = [:]

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
  /// A host that stands in several lines without slots has as many, as for Open MPI. This host, for which
  /// `isLocal` is true, is one host under any of its names.
  ///
  /// - Throws: `JobError` naming `origin`, the line, what was expected and what was found.
  package init(
    parsing text: String, origin: String, isLocal: (String) -> Bool = LocalHost.isNamed
  ) throws(JobError) {
    hosts = []
    var known = KnownHosts()
    // By bytes: to Swift, CR LF is one character, and no end of a line.
    for (index, bytes) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      do {
        guard let host = try Self.host(String(decoding: bytes, as: UTF8.self), line: index + 1) else {
          continue
        }
        try add(host, &known, isLocal)
      } catch {
        throw JobError("\(origin), line \(index + 1): \(error.sentence)", exitCode: 65)
      }
    }
    guard !hosts.isEmpty else { throw JobError("\(origin) names no host", exitCode: 65) }
  }

  /// The ranks that Open MPI starts on a host of so many cores; nil if nobody knows.
  package func slots(of host: Host, cores: Int?) -> Int? { host.slots ?? repeated[host.name] ?? cores }

  /// Those of the hosts whose names are in `names`, as often as they stand there.
  package func keeping(_ names: Set<String>) -> Hostfile {
    var file = self
    file.hosts.removeAll { !names.contains($0.name) }
    file.repeated = repeated.filter { names.contains($0.key) }
    return file
  }

  private struct Fault: Error {
    var sentence: String
  }

  /// Where the hosts of the lines before stand in `hosts`.
  private struct KnownHosts {
    var places: [String: Int] = [:]
    /// This host's, under whichever of its names.
    var local: Int?
  }

  /// Adds a host, or another mention of one.
  private mutating func add(
    _ host: Host, _ others: inout KnownHosts, _ isLocal: (String) -> Bool
  ) throws(Fault) {
    var known = others.places[host.name]
    if known == nil, isLocal(host.name) {
      known = others.local
      if known == nil { others.local = hosts.count }
    }
    guard let known else {
      others.places[host.name] = hosts.count
      return hosts.append(host)
    }
    // Without slots every mention is one more.
    guard hosts[known].slots == nil, host.slots == nil else {
      let other = hosts[known].name == host.name ? "" : ", there called '\(hosts[known].name)'"
      throw Fault(
        sentence:
          "'\(host.name)' stands in line \(hosts[known].line) too\(other), and mpirun takes a host's slots once: give "
          + "them in one line")
    }
    repeated[hosts[known].name, default: 1] += 1
  }

  private static let slotKeys: Set = ["slots", "cpu", "count"]
  private static let limitKeys: Set = [
    "slots_max", "slots-max", "cpu_max", "cpu-max", "count_max", "count-max", "max_slots", "max-slots",
  ]
  private static let userKeys: Set = ["username", "user-name", "user_name"]

  /// What a line says; nil for an empty one.
  private static func host(_ line: String, line number: Int) throws(Fault) -> Host? {
    if number == 1, line.unicodeScalars.first == "\u{FEFF}" {
      throw Fault(
        sentence:
          "the file begins with a byte-order mark, which mpirun refuses: save it as plain text, or remove the first "
          + "three bytes by sed -i '1s/^...//' under LC_ALL=C")
    }
    if line.unicodeScalars.last == "\r" {
      throw Fault(
        sentence:
          "the line ends in a carriage return, as Windows writes it and mpirun refuses it: sed -i 's/\\r$//' mends the file"
      )
    }
    let isComment = line.drop(while: \.isWhitespace).hasPrefix("//")
    let content = isComment ? "" : line.prefix { $0 != "#" }
    let words = content.replacing("=", with: " = ").split(whereSeparator: \.isWhitespace)
    guard let name = words.first else { return nil }
    try checkName(String(name))
    var host = Host(name: String(name), line: number)
    var (limit, user): (Int?, String?)
    var rest = words.dropFirst()
    while let key = rest.popFirst().map({ String($0) }) {
      guard slotKeys.contains(key) || limitKeys.contains(key) || userKeys.contains(key) else {
        throw Fault(sentence: "expected slots=N behind the name, found '\(key)'")
      }
      guard rest.popFirst() == "=", let text = rest.popFirst() else {
        throw Fault(sentence: "expected \(userKeys.contains(key) ? "a name" : "a number") behind '\(key)='")
      }
      if userKeys.contains(key) {
        guard isName(text, mayHold: "-._") else {
          throw Fault(sentence: "expected a user's name behind '\(key)=', found '\(text)'")
        }
        user = String(text)
        continue
      }
      guard let number = Int(text), (1...mostSlots).contains(number) else {
        throw Fault(sentence: "expected a number of slots from 1 to \(mostSlots), found '\(text)'")
      }
      if slotKeys.contains(key) { host.slots = number } else { limit = number }
    }
    if let limit, let slots = host.slots, limit < slots {
      throw Fault(sentence: "expected at least as many slots at most as slots, found \(limit) for \(slots)")
    }
    if let user, !host.name.contains("@") { host.name = "\(user)@\(host.name)" }
    return host
  }

  /// Refuses what `mpirun` takes for no host's name.
  private static func checkName(_ name: String) throws(Fault) {
    let bare = name.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? name
    func fail(_ advice: String) -> Fault {
      Fault(sentence: "expected a host's name or address, found '\(name)'\(advice)")
    }
    if name.contains(",") { throw fail(": one host a line") }
    if bare.contains("["), bare.filter({ $0 == ":" }).isEmpty {
      throw fail(": mpirun does not take Slurm's brackets; scontrol show hostnames writes the names out")
    }
    if bare.filter({ $0 == ":" }).count > 1 || bare.hasPrefix("[") {
      throw fail(": mpirun takes no IPv6 addresses; use a name")
    }
    if bare.contains(":") { throw fail(": slots are written as in 'node1 slots=8'") }
    let parts = name.split(separator: "@", omittingEmptySubsequences: false)
    guard isName(bare, mayHold: "-."),
      parts.count == 1 || parts.count == 2 && isName(parts[0], mayHold: "-._")
    else { throw fail("") }
  }

  /// Whether ssh takes `text` for a name: what begins with a hyphen would be an option.
  private static func isName(_ text: some StringProtocol, mayHold others: String) -> Bool {
    !text.isEmpty && !text.hasPrefix("-")
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) }
  }

  /// The ranks that may run on all hosts; nil where some host's number is left to Open MPI.
  package var slots: Int? {
    hosts.reduce(0) { sum, host in sum.flatMap { sum in host.slots.map { sum + $0 } } }
  }

  /// The hostfile as text.
  package var text: String {
    hosts.map { host in
      let line = host.name + (host.slots.map { " slots=\($0)" } ?? "") + "\n"
      return String(repeating: line, count: repeated[host.name] ?? 1)
    }.joined()
  }
}
