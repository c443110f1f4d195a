import Foundation
import Testing

/// docs/from-scratch.md shows its two programs piece by piece. Readers type what is shown; what was run, and gave the
/// page's figures, are the programs: so both are the same text.
struct FromScratchTests {
  private static func text(_ path: String) throws -> String {
    try Checkout.text("docs/" + path)
  }

  /// Functions and classes, between which Python's style (PEP 8) has two empty lines.
  private static func pieces(_ code: String) -> [String] {
    code.components(separatedBy: "\n\n\n").map { $0.trimmingCharacters(in: .newlines) }
  }

  /// What the page shows of the one program or the other: each step has a block of either, in this order.
  private static func shown(_ place: Int) throws -> [String] {
    let heading = "<summary>In Keras and in PyTorch</summary>"
    return try text("from-scratch.md").components(separatedBy: heading).dropFirst().flatMap { step in
      let blocks = step.components(separatedBy: "```python\n").dropFirst().map {
        $0.components(separatedBy: "\n```\n")[0]
      }
      try #require(blocks.count == 2, "\(step.prefix(200))")
      return pieces(blocks[place])
    }
  }

  @Test(arguments: ["keras_steps.py", "torch_steps.py"])
  func thePageShowsWhatItsProgramsDo(program: String) throws {
    // What only fetches the images is in the programs alone.
    let defined = try Self.pieces(Self.text("examples/from-scratch/" + program)).filter {
      let isDefinition = $0.hasPrefix("def ") || $0.hasPrefix("class ") || $0.hasPrefix("@")
      return isDefinition && !$0.hasPrefix("def idx(") && !$0.hasPrefix("def load(")
    }
    let shown = try Self.shown(program.hasPrefix("keras") ? 0 : 1)
    try #require(defined.count > 13)
    for piece in shown where !defined.contains(piece) {
      Issue.record("on the page, and not in \(program):\n\(piece)")
    }
    for piece in defined where !shown.contains(piece) {
      Issue.record("in \(program), and not on the page:\n\(piece)")
    }
  }
}
