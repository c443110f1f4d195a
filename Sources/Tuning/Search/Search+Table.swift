internal import Training

extension Search {
  /// The table as comma-separated values: what all rows came to, without what depends on the machine.
  package var csv: String {
    let header =
      ["trial", "rung"] + keys
      + [
        "validationAccuracy", "validationLoss", "validationCorrect", "steps", "samples", "diverged",
        "parametersDigest",
        "recipeDigest",
      ]
    return CSV.text(
      header: header,
      rows: table.map { row in
        let score = row.result?.validation
        return ["\(row.trial)", "\(row.rung)"] + keys.map { row.values[$0]?.words ?? "" }
          + [
            score.map { "\($0.accuracy)" } ?? "", score.map { "\($0.loss)" } ?? "",
            score.map { "\($0.correct)" } ?? "",
            "\(row.result?.steps ?? 0)", "\(row.result?.samples ?? 0)",
            row.result?.divergence.map { "after step \($0.step)" } ?? "", row.result?.parametersDigest ?? "",
            row.digest,
          ]
      })
  }

  /// A row's values in words, as in `globalBatch 64, labelSmoothing 0.05`.
  package func words(_ values: [String: JSONValue]) -> String {
    keys.compactMap { key in values[key].map { "\(key) \($0.words)" } }.joined(separator: ", ")
  }
}

/// Comma-separated values as RFC 4180 has them, but with line feeds alone.
enum CSV {
  static func text(header: [String], rows: [[String]]) -> String {
    ([header] + rows).map { row in row.map(cell).joined(separator: ",") + "\n" }.joined()
  }

  private static func cell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
