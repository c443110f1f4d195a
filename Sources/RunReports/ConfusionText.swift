package import Analysis
internal import Formatting
internal import Reports

extension Confusion {
  /// As many classes as a matrix of them can be read by people.
  static let matrixLimit = 30
  /// As many lines as a list of classes or of pairs gets.
  static let listLimit = 20

  /// What a class is called in headings.
  var noun: String { counts.count == 10 ? "digit" : "class" }

  /// Of many classes what can be said on a page: that there are more, nil where all fit into a matrix.
  var abridgement: String? {
    guard counts.count > Self.matrixLimit else { return nil }
    return
      "There are \(Numbers.grouped(counts.count)) classes: the \(Self.matrixLimit) with the most mistakes are in the "
      + "matrix, the \(Self.listLimit) with the lowest recall in the table."
  }

  /// The pairs that are confused most, `listLimit` of them: truth, prediction, how often.
  var commonPairs: [[String]] {
    mistakes.prefix(Self.listLimit).map { ["\($0.truth)", "\($0.prediction)", Numbers.grouped($0.count)] }
  }

  /// The matrix as a table with the share of each class that was found; of many classes, the pairs that are confused most
  /// and the classes found least. The last line ends with a line feed.
  package var text: String {
    func recall(_ label: Int) -> String { self.recall(label).map { Numbers.fixed(100 * $0, 2) } ?? "–" }
    guard counts.count > Self.listLimit else {
      var table = TextTable(
        [(noun, .left)] + counts.indices.map { ("\($0)", .right) } + [("recall %", .right)])
      for (truth, row) in counts.enumerated() {
        table.append(["\(truth)"] + row.map { $0 == 0 ? "·" : String($0) } + [recall(truth)])
      }
      return table.text
    }
    var pairs = TextTable([("truth", .left), ("predicted", .right), ("images", .right)])
    for pair in commonPairs { pairs.append(pair) }
    var classes = TextTable([(noun, .left), ("images", .right), ("recall %", .right)])
    for label in leastFound.prefix(Self.listLimit) {
      classes.append(["\(label)", Numbers.grouped(counts[label].reduce(0, +)), recall(label)])
    }
    return "Of \(Numbers.grouped(counts.count)) classes, the pairs that are confused most:\n\n\(pairs.text)\n"
      + "and the classes with the lowest recall:\n\n\(classes.text)"
  }
}
