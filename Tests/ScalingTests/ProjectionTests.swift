import Collectives
import Reports
import Scaling
import Tensors
import Testing

@Suite struct ProjectionTests {
  /// A step of 16 micro-batches of a millisecond each and an update of 4 ms: 20 ms, 3,200 images/s.
  private func alone(_ mode: ScalingPoint.Mode) -> ScalingPoint {
    var point = ScalingPoint(mode: mode, ranks: 1, globalBatch: 64, isOversubscribed: false)
    point.runs = [
      ScalingPoint.Run(
        imagesPerSecond: 3200, secondsToTarget: nil, compute: 0.8, reduction: 0, wait: 0, update: 0.2,
        imbalance: 0, processorSeconds: 1, digest: "")
    ]
    return point
  }

  private func projection(
    _ mode: ScalingPoint.Mode, most: Int, latency: Double = 0, bytesPerSecond: Double = .infinity,
    ranksPerNode: Int = 2, coreSpeeds: CoreSpeeds = .alike, updateDivision: UpdateDivision = .none
  ) -> ScalingProjection {
    let link = CostModel.Link(
      latencySeconds: latency, bytesPerSecond: bytesPerSecond, messageSeconds: 0)
    return ScalingProjection(
      alone: alone(mode), microBatch: 4, elementCount: 1_000_000,
      model: CostModel(within: link, between: link, ranksPerNode: ranksPerNode, additionSeconds: 0),
      most: most, coreSpeeds: coreSpeeds, updateDivision: updateDivision)
  }

  /// Without a network's cost only the update, which all ranks do alike, bounds the speed-up.
  @Test func theUpdateBoundsTheStrongCurve() {
    let projection = projection(.strong, most: 8)
    #expect(projection.rows.map(\.ranks) == [1, 2, 4, 8] && projection.rows.map(\.nodes) == [1, 1, 2, 4])
    #expect(projection.leafCount == 16 && !projection.endsForLackOfWork)
    for (row, seconds) in zip(projection.rows, [20e-3, 12e-3, 8e-3, 6e-3]) {
      #expect(abs(row.stepSeconds - seconds) < 1e-9)
      #expect(abs(row.speedUp - 20e-3 / seconds) < 1e-9)
      #expect(abs(row.efficiency - 20e-3 / seconds / Double(row.ranks)) < 1e-9)
      #expect(row.globalBatch == 64)
    }
  }

  /// The two ranks of a node halve the update; more nodes do it alike.
  @Test func aDividedUpdateLiftsTheBound() {
    let division = UpdateDivision(dividedShare: 1, barriers: 3, sharedBytes: 100)
    let rows = projection(.strong, most: 8, updateDivision: division).rows
    for (row, seconds) in zip(rows, [20e-3, 10e-3, 6e-3, 4e-3]) {
      #expect(abs(row.stepSeconds - seconds) < 1e-9)
    }
    #expect(rows.count == 4)
  }

  /// 16 leaves of 1 ms on four ranks, one of them at half speed.
  @Test func unequalCoresAreShownInBothDeals() throws {
    let speeds = try #require(CoreSpeeds(parsing: "1,1,1,0.5"))
    let projection = projection(.strong, most: 8, ranksPerNode: 4, coreSpeeds: speeds)
    let row = projection.rows[2]
    // Equal shares: 4 leaves at 2 ms. Taking: the slow rank keeps 2, the others have 4 or 5.
    #expect(abs(row.stepSeconds - 12e-3) < 1e-9 && abs(row.imagesPerSecond - 64 / 12e-3) < 1e-6)
    #expect(abs(row.takingImagesPerSecond - 64 / 9e-3) < 1e-6)
    // 3.5 cores could take a step in 20 / 3.5 ms.
    #expect(abs(row.efficiency - 20 / 3.5 / 12) < 1e-9 && abs(row.takingEfficiency - 20 / 3.5 / 9) < 1e-9)
    #expect(abs(row.takingSpeedUp - 20.0 / 9) < 1e-9)
    // Two nodes have leaves for both ranks each: two of them take 4 ms on the slow one, taken 3.
    let far = projection.rows[3]
    #expect(far.nodes == 2 && abs(far.stepSeconds - 8e-3) < 1e-9)
    #expect(abs(far.takingImagesPerSecond - 64 / 7e-3) < 1e-6)
    #expect(projection.plot(title: "", subtitle: "").series.count == 3)
  }

  @Test func alikeCoresHaveOneCurve() {
    let projection = projection(.strong, most: 8)
    for row in projection.rows { #expect(abs(row.takingEfficiency - row.efficiency) < 1e-12) }
    #expect(projection.plot(title: "", subtitle: "").series.count == 2)
    #expect(projection.rows.map { $0.algorithm == nil } == [true, true, false, false])
  }

  @Test func aWeakCurveKeepsItsWork() {
    let projection = projection(.weak, most: 64)
    #expect(projection.rows.map(\.globalBatch) == [64, 128, 256, 512, 1024, 2048, 4096])
    for row in projection.rows { #expect(abs(row.efficiency - 1) < 1e-9) }
  }

  @Test func aStrongCurveEndsWhereRanksWouldHaveNoWork() {
    let projection = projection(.strong, most: 64)
    #expect(projection.rows.last?.ranks == 16 && projection.endsForLackOfWork)
    #expect(projection.plot(title: "", subtitle: "").series.last?.points.count == 5)
  }

  /// Between nodes; nothing is packed for a node's own memory.
  @Test func halfTheBytesCostLess() {
    let rows = projection(.strong, most: 4, latency: 1e-3, bytesPerSecond: 1e9).rows
    #expect(rows[1].reductionSeconds > 5e-3 && rows[1].bfloat16Efficiency == rows[1].efficiency)
    #expect(rows[2].reductionSeconds > 12e-3 && rows[2].bfloat16Efficiency > rows[2].efficiency)
  }

  @Test func messagesToOtherNodesCostTheProcessorsToo() {
    let near = CostModel.Link(latencySeconds: 1e-6, bytesPerSecond: 1e10, messageSeconds: 2e-6)
    func between(_ latency: Double) -> CostModel.Link {
      let far = CostModel.Link(latencySeconds: latency, bytesPerSecond: 1e9, messageSeconds: 0)
      return CostModel(near: near, far: far, ranksPerNode: 4).between
    }
    #expect(between(1e-5).messageSeconds == 2e-6)
    #expect(between(1e-4).messageSeconds == 5e-6 && between(1e-4).bytesPerSecond == 1e9)
  }

  @Test func theReductionIsTimedOnAllRanks() throws {
    try expectFigures(InProcessWorld(size: 3), names: ReductionAlgorithm.allCases.map(\.rawValue))
    // Where two of them share memory, that way is timed as well.
    try expectFigures(
      InProcessWorld(size: 3, ranksPerNode: 2),
      names: ReductionAlgorithm.allCases.map(\.rawValue) + [ReductionFigures.memoryName])
  }

  private func expectFigures(_ world: InProcessWorld, names: [String]) throws {
    let figures = try world.run { communicator in
      try ReductionFigures.measure(
        over: communicator, host: communicator.rank < 2 ? "a" : "b", elements: 100, repeats: 2,
        format: .float32)
    }
    let first = figures[0]
    #expect(first.ranks == 3 && first.ranksPerNode == 2 && first.elements == 100)
    #expect(first.within != nil && first.between != nil)
    #expect(Set(first.measured.keys) == Set(names + [ReductionFigures.nativeName]))
    #expect(Set(first.expected.keys) == Set(names))
    #expect((first.window != nil) == names.contains(ReductionFigures.memoryName))
    #expect(
      figures.allSatisfy {
        ($0.measured, $0.expected["direct"]) == (first.measured, first.expected["direct"])
      })
  }
}
