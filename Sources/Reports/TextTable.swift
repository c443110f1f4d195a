/// A table in plain text: columns as wide as their widest cell, numbers to the right.
package struct TextTable: Sendable {
  /// Where a column's cells stand.
  package enum Alignment: Sendable {
    case left
    case right
  }

  private let header: [String]
  private let alignments: [Alignment]
  private var rows: [[String]?] = []

  /// A table with these columns.
  package init(_ columns: [(title: String, alignment: Alignment)]) {
    header = columns.map(\.title)
    alignments = columns.map(\.alignment)
  }

  /// Appends a row with one cell per column.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == header.count, "\(cells.count) cells in \(header.count) columns")
    rows.append(cells)
  }

  /// Appends a rule, e.g. before a row of sums.
  package mutating func appendRule() {
    rows.append(nil)
  }

  /// The table, its lines without trailing spaces, each ended by a line feed.
  package var text: String {
    let widths = header.indices.map { column in
      ([header] + rows.compactMap { $0 }).map { $0[column].count }.max() ?? 0
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    func line(_ cells: [String]) -> String {
      var text = ""
      for (column, cell) in cells.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        text += (column > 0 ? "  " : "") + (alignments[column] == .left ? cell + padding : padding + cell)
      }
      while text.last == " " { text.removeLast() }
      return text
    }
    let lines = [line(header), rule] + rows.map { $0.map(line) ?? rule }
    return lines.joined(separator: "\n") + "\n"
  }
}
