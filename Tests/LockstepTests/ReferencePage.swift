import Foundation

/// A page of the documentation, whose tables are compared with the program.
struct MarkdownPage {
  let path: String
  /// The tables behind each heading, as rows of cells without the head.
  private let tables: [String: [[[String]]]]

  /// Reads a page of the checkout.
  init(_ path: String) throws {
    self.path = path
    var tables: [String: [[[String]]]] = [:]
    var heading = ""
    var rows: [[String]] = []
    for line in try Checkout.text(path).components(separatedBy: "\n") + [""] {
      if line.hasPrefix("|") {
        rows.append(Self.cells(line))
        continue
      }
      // The first two lines are the head.
      if rows.count > 2 { tables[heading, default: []].append(Array(rows.dropFirst(2))) }
      rows = []
      if line.hasPrefix("#") {
        heading = line.drop { $0 == "#" }.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
      }
    }
    self.tables = tables
  }

  private static func cells(_ line: String) -> [String] {
    // A bar that belongs to a cell is written `\|`.
    line.replacing("\\|", with: "\u{0}").split(separator: "|", omittingEmptySubsequences: false).dropFirst()
      .dropLast().map {
        $0.replacing("\u{0}", with: "|").trimmingCharacters(in: .whitespaces)
      }
  }

  /// The rows of a table behind a heading, counted from 0; none if there is no such table.
  func rows(_ heading: String, table: Int = 0) -> [[String]] {
    let all = tables[heading] ?? []
    return all.indices.contains(table) ? all[table] : []
  }

  /// What stands in backticks in the first cells of a table.
  func names(_ heading: String, table: Int = 0) -> [String] {
    rows(heading, table: table).flatMap { Self.code(in: $0[0]) }
  }

  /// What stands in backticks in a cell.
  static func code(in cell: String) -> [String] {
    cell.matches(of: /`([^`]+)`/).map { String($0.1) }
  }
}

/// What scanning the sources tells.
enum SourceScan {
  /// The lines of a Swift file without comments.
  private static func code(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
      if line.drop(while: { $0 == " " }).hasPrefix("//") { return nil }
      return line.firstRange(of: " // ").map { line[..<$0.lowerBound] } ?? line
    }
  }

  private static func isScript(_ path: String, _ text: String, _ interpreter: String, suffix: String) -> Bool
  {
    path.hasSuffix(suffix)
      || text.hasPrefix("#!") && text.prefix { $0 != "\n" }.contains(interpreter)
  }

  /// The environment variables that are read in some places of the checkout.
  static func variables(in places: [String]) throws -> Set<String> {
    var found: Set<String> = []
    for (path, text) in try Checkout.texts(in: places) {
      if path.hasSuffix(".swift") {
        found.formUnion(swiftVariables(code(text), isProgram: path.hasPrefix("Sources")))
      } else if path.hasSuffix(".c") || path.hasSuffix(".h") {
        found.formUnion(text.matches(of: /getenv\("(\w+)"\)/).map { String($0.1) })
      } else if isScript(path, text, "bash", suffix: ".sh") {
        found.formUnion(shellVariables(text))
      } else if isScript(path, text, "python", suffix: ".py") {
        found.formUnion(
          text.matches(of: /environ(?:\.get\(|\.setdefault\(|\[)["'](\w+)["'](?!\] = )/).map { String($0.1) })
      }
    }
    return found
  }

  private static func swiftVariables(_ lines: [Substring], isProgram: Bool) -> Set<String> {
    var found: Set<String> = []
    for line in lines where line.contains("\"") {
      found.formUnion(line.matches(of: /nvironment\["(\w+)"\](?! = )/).map { String($0.1) })
      found.formUnion(line.matches(of: /(?:getenv|variable|environment)\("(\w+)"\)/).map { String($0.1) })
      guard isProgram else { continue }
      // Names reach the place where they are looked up in lists and constants.
      found.formUnion(
        line.matches(of: /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|OMPI_MCA_[a-z_0-9]+)"/).map { String($0.1) })
    }
    if isProgram, lines.contains(where: { $0.contains("temporaryDirectory") }) { found.insert("TMPDIR") }
    // A padding of ONNX.
    return found.subtracting(["SAME_UPPER"])
  }

  private static func shellVariables(_ text: String) -> Set<String> {
    let own = Set(
      text.matches(of: /(?:^|\n)\s*(?:export )?([A-Z][A-Z0-9_]*)=/).map { String($0.1) })
    var found = Set(text.matches(of: /\$\{?([A-Z][A-Z0-9_]+)/).map { String($0.1) }).subtracting(own)
    // With a default it is read, even where the script sets it afterwards.
    found.formUnion(text.matches(of: /\$\{([A-Z][A-Z0-9_]+):-/).map { String($0.1) })
    if text.contains(/\(mktemp(?: -d)?\)/) { found.insert("TMPDIR") }
    return found.filter { !$0.hasPrefix("BASH_") }
  }

  /// The exit codes that the program and the scripts name.
  static func exitCodes() throws -> Set<Int> {
    var found: Set<Int> = []
    for (path, text) in try Checkout.texts(in: ["Sources", "scripts", "cluster"]) {
      if path.hasSuffix(".swift") {
        found.formUnion(swiftExitCodes(code(text)))
      } else if isScript(path, text, "bash", suffix: ".sh") || path.hasSuffix(".sbatch") {
        found.formUnion(text.matches(of: /\bexit (\d+)\b/).compactMap { Int($0.1) })
      } else if isScript(path, text, "python", suffix: ".py") {
        found.formUnion(text.matches(of: /\bexit\((\d+)\)/).compactMap { Int($0.1) })
      }
    }
    return found
  }

  private static func swiftExitCodes(_ lines: [Substring]) -> Set<Int> {
    var found: Set<Int> = []
    /// The indentation of a function that is nothing but exit codes, while its lines are looked at.
    var function: Substring?
    for line in lines {
      if let indentation = function {
        if line == indentation + "}" { function = nil }
      } else if line.hasSuffix("exitCode: Int32 {") || line.contains("func exitCode(")
        || line.contains("ofExitCode code:")
      {
        function = line.prefix { $0 == " " }
      }
      guard function != nil || line.contains("xit") || line.contains("ode") || line.contains("return ") else {
        continue
      }
      // What strings say is for people.
      let code = line.replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"")
      for pattern in [
        /exitCode: [^,)]*/, /ExitCode\(.*/, /(?:finish|abort|end)\(code: .*/, /[cC]ode(?:: Int32)? = \d+/,
        /\b_?exit\(\d+\)/, /\(words, exitCode\).*/,
      ] {
        for match in code.matches(of: pattern) { found.formUnion(values(in: match.output)) }
      }
      found.formUnion(code.matches(of: /return .*?\b(6[4-9]|7[0-8])\b/).compactMap { Int($0.1) })
      guard function != nil else { continue }
      found.formUnion(values(in: code[...]))
      if let label = code.firstMatch(of: /case ([\d, .]+):/) {
        found.formUnion(label.1.matches(of: /\d+/).compactMap { Int($0.output) })
      }
    }
    return found
  }

  /// The numbers in a piece of code, where a value may stand.
  private static func values(in code: Substring) -> [Int] {
    code.matches(of: /(?:\? |: |\(|= |, |return )(\d+)\b(?! \+)/).compactMap { Int($0.1) }
  }
}

/// The keys of JSON, as `rankTimes[].phases.data`; lists of plain values end in their own key.
func jsonKeys(_ value: Any, under prefix: String = "") -> Set<String> {
  switch value {
  case let object as [String: Any]:
    return object.reduce(into: []) { keys, member in
      keys.formUnion(jsonKeys(member.value, under: prefix.isEmpty ? member.key : "\(prefix).\(member.key)"))
    }
  case let list as [[String: Any]] where !list.isEmpty:
    return list.reduce(into: []) { $0.formUnion(jsonKeys($1, under: prefix + "[]")) }
  default: return [prefix]
  }
}

/// As `jsonKeys`, of what a value is encoded as.
func encodedKeys(_ value: some Encodable) throws -> Set<String> {
  jsonKeys(try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)))
}
