/// In which order the ranks' floats were added up, as far as the bits of the sums tell.
package enum SumOrder: String, Sendable, Codable {
  /// 0 + 1 + 2 + …, as a rank that collects all does.
  case ranks = "rank order"
  /// Neighbours, then neighbours of neighbours, as a binary tree does.
  case tree
  /// From some rank on around a ring, for each element: any part of the array may begin at another rank.
  case ring
  /// One of the above: ranks are so few that all of them give the same bits.
  case any
  /// None of the above.
  case other

  /// The order in which `sums` came of `inputs`, by rank.
  package init(of sums: [Float], from inputs: [[Float]]) {
    let count = inputs.count
    guard count > 2 else {
      self = .any
      return
    }
    func matches(_ expected: (Int) -> [Float]) -> Bool {
      sums.indices.allSatisfy { element in
        expected(element).contains { $0.bitPattern == sums[element].bitPattern }
      }
    }
    if matches({ element in [inputs.dropFirst().reduce(inputs[0][element]) { $0 + $1[element] }] }) {
      self = .ranks
    } else if matches({ element in [Self.treeSum(inputs.map { $0[element] })] }) {
      self = .tree
    } else if matches({ element in Self.ringSums(inputs.map { $0[element] }) }) {
      self = .ring
    } else {
      self = .other
    }
  }

  /// Neighbours first: the tree of a recursive halving or doubling, and of a binomial reduction to rank 0.
  private static func treeSum(_ values: [Float]) -> Float {
    var values = values
    while values.count > 1 {
      values = stride(from: 0, to: values.count, by: 2).map { place in
        place + 1 < values.count ? values[place] + values[place + 1] : values[place]
      }
    }
    return values[0]
  }

  /// From each rank on, up and down.
  private static func ringSums(_ values: [Float]) -> [Float] {
    let count = values.count
    return (0..<count).flatMap { start in
      [1, count - 1].map { step in
        (1..<count).reduce(values[start]) { sum, distance in sum + values[(start + distance * step) % count] }
      }
    }
  }
}
