/// One thing that each round of a scaling experiment measures.
package enum ScalingTurn: Hashable, Sendable, CustomStringConvertible {
  /// Training at a point of the ladder, by its index.
  case training(index: Int, ScalingPoint.Mode, ranks: Int)
  /// Independent copies at once, for the points of these indices.
  case copies(indices: [Int], count: Int, globalBatch: Int)

  /// What is about to run, in a few words.
  package var description: String {
    switch self {
    case .training(_, let mode, let ranks): "\(mode.rawValue), \(ranks) \(ranks == 1 ? "rank" : "ranks")"
    case .copies(_, let count, _): "\(count) copies at once, each alone"
    }
  }
}

extension ScalingLadder {
  /// What a round measures, in this order: each point and, if the ladder is to be explained, the copies that it is
  /// compared with. Both ladders share copies where these train the same; ranks that share cores have none.
  package func turns(explaining: Bool) -> [ScalingTurn] {
    var turns: [ScalingTurn] = []
    var seen: Set<[Int]> = []
    for (index, point) in points.enumerated() {
      turns.append(.training(index: index, point.mode, ranks: point.ranks))
      guard explaining, isComparedWithCopies(point), seen.insert([point.ranks, point.copyBatch]).inserted
      else { continue }
      let alike = points.indices.filter {
        isComparedWithCopies(points[$0])
          && [points[$0].ranks, points[$0].copyBatch] == [point.ranks, point.copyBatch]
      }
      turns.append(.copies(indices: alike, count: point.ranks, globalBatch: point.copyBatch))
    }
    return turns
  }

  private func isComparedWithCopies(_ point: ScalingPoint) -> Bool {
    point.ranks > 1 && !point.isOversubscribed
  }
}
