/// A ladder of points and what they say together.
package struct ScalingLadder: Sendable, Hashable, Codable {
  /// In the order in which they are run.
  package var points: [ScalingPoint]

  /// A ladder of these points.
  package init(points: [ScalingPoint]) {
    self.points = points
  }

  /// The points of all `modes` at all `counts` of ranks, none measured yet. A weak ladder's global batch is
  /// `globalBatch` at the first count. `slots` are the ranks that have a core.
  package init(modes: [ScalingPoint.Mode], counts: [Int], globalBatch: Int, slots: Int) {
    points = modes.flatMap { mode in
      counts.map { count in
        ScalingPoint(
          mode: mode, ranks: count,
          globalBatch: mode == .strong ? globalBatch : globalBatch * count / counts[0],
          isOversubscribed: count > slots)
      }
    }
  }

  /// The point that the others of a mode are compared with: the one with the fewest ranks.
  package func base(_ mode: ScalingPoint.Mode) -> ScalingPoint? {
    points.filter { $0.mode == mode && !$0.runs.isEmpty }.min { $0.ranks < $1.ranks }
  }

  /// Images per second over those of the base, times the base's ranks: the ranks' number, if all of them
  /// helped fully.
  package func speedUp(of point: ScalingPoint) -> Spread? {
    guard let base = base(point.mode), !point.runs.isEmpty else { return nil }
    let rate = base.spread(\.imagesPerSecond).median
    guard rate > 0 else { return nil }
    return Spread(point.runs.map { $0.imagesPerSecond / rate * Double(base.ranks) })
  }

  /// The part of the ideal speed-up that was reached; nil where ranks shared cores, which would be no
  /// efficiency.
  package func efficiency(of point: ScalingPoint) -> Spread? {
    guard !point.isOversubscribed, base(point.mode)?.isOversubscribed == false,
      let speedUp = speedUp(of: point)
    else { return nil }
    let ranks = Double(point.ranks)
    return Spread([speedUp.least / ranks, speedUp.median / ranks, speedUp.most / ranks])
  }

  /// Sentences on runs that should have ended with the same model and did not: all strong ones, and the
  /// repetitions of each weak one.
  package var disagreements: [String] {
    var result: [String] = []
    let strong = points.filter { $0.mode == .strong }
    if Set(strong.flatMap { $0.runs.map(\.digest) }).count > 1 {
      let parts = strong.map { point in
        "\(point.ranks): \(Set(point.runs.map { String($0.digest.prefix(12)) }).sorted().joined(separator: ", "))"
      }
      result.append(
        "the strong ladder's final models differ by rank count (\(parts.joined(separator: "; ")))")
    }
    for point in points where point.mode == .weak && Set(point.runs.map(\.digest)).count > 1 {
      result.append("the final models of \(point.ranks) ranks' repetitions (weak) differ")
    }
    return result
  }

  /// All runs, one line each, with a header. Seconds of steps, and what copies at once did in the same round with
  /// what that explains, are empty where they were not measured.
  package var csv: String {
    var lines = [
      "mode,ranks,global_batch,oversubscribed,images_per_second,seconds_to_target,compute,reduction,wait,update,"
        + "imbalance,processor_seconds,sha256,step_median,step_90,step_99,step_most,copies_images_per_second,"
        + "machine_efficiency,ceiling_efficiency,"
        + ScalingExplanation.Cause.allCases.map { "lost_\($0.rawValue)" }.joined(separator: ",")
    ]
    for point in points {
      for (round, run) in point.runs.enumerated() {
        let steps = run.stepTimes
        let copies = point.copies.flatMap { $0.indices.contains(round) ? $0[round] : nil }
        let explanation = explanation(of: point, round: round)
        let optional =
          [
            steps?.median, steps?.ninetieth, steps?.ninetyNinth, steps?.most, copies?.imagesPerSecond,
            explanation?.machineEfficiency, explanation?.ceilingEfficiency,
          ] + ScalingExplanation.Cause.allCases.map { explanation?.share($0) }
        lines.append(
          ([
            point.mode.rawValue, "\(point.ranks)", "\(point.globalBatch)", "\(point.isOversubscribed)",
            "\(run.imagesPerSecond)", run.secondsToTarget.map { "\($0)" } ?? "", "\(run.compute)",
            "\(run.reduction)", "\(run.wait)", "\(run.update)", "\(run.imbalance)", "\(run.processorSeconds)",
            run.digest,
          ] + optional.map { $0.map { "\($0)" } ?? "" }).joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
