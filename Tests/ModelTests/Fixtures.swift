import Foundation
import Testing

/// Values from PyTorch, made by `scripts/fixtures/make_fixtures.py`.
enum Fixtures {
  /// What a fixture keeps of a tensor.
  struct Summary: Decodable {
    var dot: Double
    var norm: Double
    var first: [Double]
  }

  struct NetworkCase: Decodable {
    var network: String
    var count: Int
    var labelSmoothing: Float
    var logits: [Double]
    var loss: Double
    var gradients: [Summary]
  }

  struct OptimizerCase: Decodable {
    var name: String
    var parameters: [Summary]
  }

  struct ClippingCase: Decodable {
    var limit: Float
    var scale: Float
    var clipped: [Summary]
  }

  struct MatrixCase: Decodable {
    var rows: Int
    var columns: Int
    var orthogonal: Summary
  }

  static func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures")
    return try JSONDecoder().decode(
      type, from: Data(contentsOf: folder.appendingPathComponent("\(name).json")))
  }

  /// The pseudo-random numbers in [−0.5, 0.5) that both sides compute; exact in `Float`.
  static func pseudo(_ count: Int, salt: Int) -> [Float] {
    (1...count).map { i in
      var bits = (i * 2_654_435_761 + salt * 40503 + 12345) & 0xFFFF_FFFF
      bits = (bits * 1_664_525 + 1_013_904_223) & 0xFFFF_FFFF
      return Float(bits >> 16) / 65536 - 0.5
    }
  }

  /// Expects `values` to be the summarised tensor, to within `tolerance` of its norm.
  static func expect(
    _ values: some Collection<Float>, _ summary: Summary, within tolerance: Double, _ what: String
  ) {
    let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let dot = zip(values, pseudo(values.count, salt: 99)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let scale = tolerance * max(summary.norm, 1e-3)
    #expect(abs(norm - summary.norm) <= scale, "\(what): norm \(norm), expected \(summary.norm)")
    #expect(abs(dot - summary.dot) <= scale, "\(what): dot \(dot), expected \(summary.dot)")
    for (index, pair) in zip(values, summary.first).enumerated() {
      #expect(abs(Double(pair.0) - pair.1) <= scale, "\(what)[\(index)]: \(pair.0), expected \(pair.1)")
    }
  }
}
