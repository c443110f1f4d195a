import Foundation

/// A page of the documentation: its commands, in reading order, and its links.
struct DocumentedPage: CustomStringConvertible {
  /// A fenced block of commands.
  struct Block {
    /// What runs it: a script as it stands, or a transcript of commands and what they print.
    enum Kind { case script, transcript }

    var kind: Kind
    /// The line of its fence, from 1 up.
    var line: Int
    var text: String
    /// Why it is not run, from the comment before its fence, `<!-- not run: REASON -->`; nil where it is.
    var reasonNotRun: String?
    /// Whether all of its figures are of a time, a rate or the like: `<!-- figures vary -->`.
    var isInKind = false
    /// Whether it takes long, and only `scripts/test --all` runs it: `<!-- slow: REASON -->`.
    var isSlow = false
  }

  /// A page whose blocks are not as these tests need them.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  /// The path in the checkout.
  let path: String
  let text: String

  var description: String { path }

  init(_ path: String) throws {
    self.path = path
    text = try Checkout.text(path)
  }

  /// All pages in the order in which a reader gets to them from README.md, link by link.
  static let inReadingOrder: [DocumentedPage] = {
    var pages: [DocumentedPage] = []
    var waiting = ["README.md"]
    var seen = Set(waiting)
    while !waiting.isEmpty {
      guard let page = try? DocumentedPage(waiting.removeFirst()) else { continue }
      pages.append(page)
      for link in page.links where link.path.hasSuffix(".md") && seen.insert(link.path).inserted {
        waiting.append(link.path)
      }
    }
    return pages
  }()

  /// The blocks of commands; throws where one could be meant to be run and does not say how.
  func blocks() throws -> [Block] {
    var blocks: [Block] = []
    var fence: (indent: Int, line: Int, language: String, comments: [String])?
    var lines: [String] = []
    var comments: [String] = []
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      guard let open = fence else {
        if trimmed.hasPrefix("```") {
          let indent = line.count - line.drop { $0 == " " }.count
          fence = (indent, index + 1, String(trimmed.dropFirst(3)), comments)
          lines = []
          comments = []
        } else if trimmed.hasPrefix("<!-- "), trimmed.hasSuffix(" -->") {
          comments.append(String(trimmed.dropFirst(5).dropLast(4)))
        } else {
          comments = []
        }
        continue
      }
      guard trimmed == "```" else {
        lines.append(String(line.dropFirst(min(open.indent, line.count - line.drop { $0 == " " }.count))))
        continue
      }
      fence = nil
      if let block = try block(open.language, at: open.line, lines, comments: open.comments) {
        blocks.append(block)
      }
    }
    return blocks
  }

  private func block(_ language: String, at line: Int, _ lines: [String], comments: [String]) throws -> Block?
  {
    func fault(_ reason: String) -> Fault { Fault(description: "\(path):\(line): \(reason)") }
    var block: Block
    switch language {
    case "sh":
      block = Block(kind: .script, line: line, text: lines.joined(separator: "\n"))
    case "console":
      block = Block(kind: .transcript, line: line, text: lines.joined(separator: "\n"))
      if lines.first?.hasPrefix("$ ") != true { throw fault("a transcript begins with '$ ' and a command") }
    case "bash", "shell":
      throw fault("commands are fenced by ```sh or, with what they print, by ```console")
    default:
      if lines.contains(where: { $0.hasPrefix("$ ") }) { throw fault("a transcript is fenced by ```console") }
      return nil
    }
    for comment in comments {
      if comment.hasPrefix("not run: ") {
        block.reasonNotRun = String(comment.dropFirst("not run: ".count))
      } else if comment == "figures vary" {
        block.isInKind = true
      } else if comment.hasPrefix("slow: ") {
        block.isSlow = true
      }
    }
    return block
  }

  /// A link to a file of the checkout.
  struct Link {
    /// The path in the checkout, as far as the link says.
    var path: String
    /// The heading in it, as the link spells it.
    var anchor: String?
    var line: Int
  }

  /// All links to files of the checkout, those to headings of the page itself included.
  var links: [Link] {
    var links: [Link] = []
    var isCode = false
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if line.trimmingCharacters(in: .whitespaces).hasPrefix("```") { isCode.toggle() }
      if isCode { continue }
      for match in line.matches(of: /\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/) {
        let target = String(match.1 ?? match.2 ?? "")
        if target.contains("://") || target.hasPrefix("mailto:") { continue }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let folder = URL(fileURLWithPath: "/" + path).deletingLastPathComponent()
        let file =
          parts[0].isEmpty
          ? path
          : String(folder.appendingPathComponent(String(parts[0])).standardizedFileURL.path.dropFirst())
        links.append(Link(path: file, anchor: parts.count > 1 ? String(parts[1]) : nil, line: index + 1))
      }
    }
    return links
  }

  /// What links to its headings are spelled like: lower case, no punctuation, hyphens for spaces.
  var anchors: Set<String> {
    var anchors: Set<String> = []
    var isCode = false
    for line in text.components(separatedBy: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      for match in line.matches(of: /<a (?:id|name)="([^"]+)"/) { anchors.insert(String(match.1)) }
      guard !isCode, line.hasPrefix("#") else { continue }
      let title = line.drop { $0 == "#" }.dropFirst()
        .replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }
      let plain = title.lowercased().filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
      let anchor = plain.replacingOccurrences(of: " ", with: "-")
      // A second heading of the same words gets a number.
      var candidate = anchor
      var number = 1
      while !anchors.insert(candidate).inserted {
        candidate = "\(anchor)-\(number)"
        number += 1
      }
    }
    return anchors
  }
}
