/// How plots look, in a page and alone, in light and dark.
package enum PlotStyle {
  /// As many series have colours of their own; further ones begin anew.
  static let colorCount = 6
  private static let light = ["#1f5fa8", "#c2571a", "#2f7d4f", "#8a3f93", "#b3892b", "#5b6770"]
  private static let dark = ["#79b0f0", "#f0985f", "#74c794", "#cf92d8", "#e3c067", "#a9b4bd"]

  /// The rules for what plots draw.
  package static var css: String {
    rules(light, ink: "#1c2126", muted: "#5d6872", grid: "#dfe3e7", paper: "#ffffff")
      + "@media (prefers-color-scheme: dark) {\n"
      + rules(dark, ink: "#e8ebee", muted: "#9aa5af", grid: "#343c44", paper: "#14181c") + "}\n"
      // Paper is white, whatever the screen is.
      + "@media print {\n" + rules(light, ink: "#000", muted: "#444", grid: "#ccc", paper: "#fff") + "}\n"
  }

  private static func rules(
    _ colors: [String], ink: String, muted: String, grid: String, paper: String
  ) -> String {
    var lines = [
      ".plot text { fill: \(ink); stroke: none; font-family: system-ui, 'DejaVu Sans', sans-serif; font-size: 13px }",
      ".plot .title { font-size: 15px; font-weight: 600 }", ".plot .muted { fill: \(muted) }",
      ".plot .grid { stroke: \(grid); fill: none }", ".plot .paper { fill: \(paper) }",
      ".plot .axis { stroke: \(muted); fill: none }", ".plot .line { fill: none; stroke-width: 1.8 }",
      ".plot .dashed { stroke-dasharray: 5 4 }", ".plot .rest { fill: \(muted) }",
    ]
    for (index, color) in colors.enumerated() {
      lines.append(".plot .s\(index) { stroke: \(color) } .plot .f\(index) { fill: \(color) }")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The words as XML has them.
  static func escaped(_ words: String) -> String {
    var text = ""
    for character in words {
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      default: text.append(character)
      }
    }
    return text
  }
}
