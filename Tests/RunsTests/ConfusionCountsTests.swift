import Foundation
import Runs
import Testing

/// Counts of classes as `result.json` holds them.
@Suite struct ConfusionCountsTests {
  private struct Figures: Codable, Equatable {
    @ConfusionCounts var counts: [[Int]]
  }

  private func text(_ counts: [[Int]]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(Figures(counts: counts)), as: UTF8.self)
  }

  private func read(_ text: String) throws -> [[Int]] {
    try JSONDecoder().decode(Figures.self, from: Data(text.utf8)).counts
  }

  @Test(arguments: [0, 1, 10, 100]) func fewClassesAreRows(_ classCount: Int) throws {
    let counts = (0..<classCount).map { truth in (0..<classCount).map { truth * 1000 + $0 } }
    let written = try text(counts)
    #expect(written == "{\"counts\":\(counts.description.filter { $0 != " " })}")
    #expect(try read(written) == counts)
  }

  /// A thousand classes are megabytes of zeros: what is none stands alone.
  @Test(arguments: [101, 1000]) func ofManyClassesOnlyWhatIsNotZeroIsWritten(_ classCount: Int) throws {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for truth in 0..<classCount { counts[truth][truth] = truth + 1 }
    (counts[3][100], counts[100][0]) = (7, 8)
    let written = try text(counts)
    #expect(written.contains("\"classes\":\(classCount)") && written.utf8.count < 50 + 16 * classCount)
    #expect(try read(written) == counts)
  }

  @Test(arguments: [
    "{\"classes\":2,\"count\":[1],\"prediction\":[2],\"truth\":[0]}",
    "{\"classes\":2,\"count\":[1],\"prediction\":[0],\"truth\":[-1]}",
    "{\"classes\":2,\"count\":[1],\"prediction\":[0,1],\"truth\":[0]}",
    "{\"classes\":0,\"count\":[],\"prediction\":[],\"truth\":[]}",
    "{\"classes\":1000000000,\"count\":[],\"prediction\":[],\"truth\":[]}", "{\"classes\":2}", "[[1],2]", "7",
  ])
  func whatCountsNoClassesIsRefused(_ text: String) {
    #expect(throws: DecodingError.self) { try read("{\"counts\":\(text)}") }
  }
}
