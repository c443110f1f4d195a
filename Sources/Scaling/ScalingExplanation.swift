/// Why ranks are slower than as many times one.
///
/// With c₁, c₊ and c the core-seconds of an image on one rank alone, in copies at once and on the ranks, efficiency
/// is c₁ / c. It is the product of c₁ / c₊, which is the machine's, and c₊ / c, which is the program's. What is
/// lost is (c₊ − c₁) / c to the cores, and the difference of c and c₊ in each phase over c: together that is
/// 1 − c₁ / c.
package struct ScalingExplanation: Hashable, Sendable, Codable {
  /// What efficiency is lost to.
  package enum Cause: String, CaseIterable, Hashable, Sendable, Codable {
    /// Cores that are slower than the first, or that slow one another down: memory bandwidth, caches, clocks.
    case cores
    /// Forward and backward passes that take longer than those of copies.
    case compute
    /// Preparing and dealing samples.
    case input
    /// The optimizer.
    case update
    /// Adding up gradients.
    case reduction
    /// Waiting for slower ranks, and for data on its way.
    case waiting
    /// What no phase accounts for, between steps.
    case rest

    /// What would change it, in one sentence.
    package var remedy: String {
      switch self {
      case .cores:
        "copies that know nothing of each other lose it as well: fewer ranks on each node help, or other cores; "
          + "`lockstep doctor` names slow ones"
      case .compute:
        "the passes take longer than a copy's, where micro-batches change hands and caches are cold, or where "
          + "other programs came between: a larger --micro-batch helps, or an idle machine"
      case .input:
        "samples come from other ranks' memory, and are redistributed in each epoch: a faster network helps"
      case .update:
        "it does not get shorter with more ranks as the passes do: a larger --global-batch makes updates rarer"
      case .reduction:
        "a larger --global-batch makes reductions rarer, and --gradients bfloat16 makes them smaller"
      case .waiting:
        "ranks wait for the last one and for data on its way: a larger --global-batch or a smaller --micro-batch "
          + "evens out, a faster network shortens it"
      case .rest: "the root records and saves between steps: a larger --checkpoint-every helps"
      }
    }
  }

  /// A part of what is lost.
  package struct Loss: Hashable, Sendable, Codable {
    /// What it is lost to.
    package var cause: Cause
    /// Of the ranks' core-seconds: 0.01 is one per cent of efficiency; less than 0 is won.
    package var share: Double
  }

  /// Images per second of copies at once over those of as many times one alone.
  package let machineEfficiency: Double
  /// Images per second of the ranks over those of copies at once.
  package let ceilingEfficiency: Double
  /// What is lost, by cause: adds up to 1 less the efficiency.
  package let losses: [Loss]

  /// Images per second of the ranks over those of as many times one alone.
  package var efficiency: Double { machineEfficiency * ceilingEfficiency }

  /// Explains `runs` of `ranks` ranks by those of one rank `alone` and those of `copies` at once: by the median
  /// rates, and by the phases of the runs that have these. nil where something was not measured.
  package init?(
    ranks: Int, runs: [ScalingPoint.Run], alone: [ScalingPoint.Run], copies: [CopiesRun]
  ) {
    let rate = Spread(runs.map(\.imagesPerSecond)).median
    let single = Spread(alone.map(\.imagesPerSecond)).median
    let ceiling = Spread(copies.map(\.imagesPerSecond)).median
    let phases = Self.middle(runs, by: \.imagesPerSecond).compactMap(\.coreSeconds)
    guard rate > 0, single > 0, ceiling > 0, !phases.isEmpty else { return nil }
    let count = Double(ranks)
    machineEfficiency = ceiling / (count * single)
    ceilingEfficiency = rate / ceiling
    let here = CoreSeconds(meanShares: phases, total: count / rate)
    let there = CoreSeconds(
      meanShares: Self.middle(copies, by: \.imagesPerSecond).map(\.coreSeconds), total: count / ceiling)
    losses = Cause.allCases.map { cause in
      let difference =
        switch cause {
        case .cores: count / ceiling - 1 / single
        case .compute: here.compute - there.compute
        case .input: here.input - there.input
        case .update: here.update - there.update
        case .reduction: here.reduction - there.reduction
        case .waiting: here.waiting - there.waiting
        case .rest: here.rest - there.rest
        }
      return Loss(cause: cause, share: difference * rate / count)
    }
  }

  /// The run that has the median rate, or the two that it lies between: a round in which others used the machine
  /// must not shape the phases either.
  private static func middle<Run>(_ runs: [Run], by rate: (Run) -> Double) -> [Run] {
    let sorted = runs.sorted { rate($0) < rate($1) }
    return sorted.isEmpty ? [] : Array(sorted[(sorted.count - 1) / 2...sorted.count / 2])
  }

  /// The share that is lost to a cause.
  package func share(_ cause: Cause) -> Double { losses.first { $0.cause == cause }?.share ?? 0 }

  /// The few causes that most is lost to, the greatest first; nothing below half a per cent.
  package var largestLosses: [Loss] {
    Array(losses.filter { $0.share >= 0.005 }.sorted { $0.share > $1.share }.prefix(3))
  }
}

extension ScalingLadder {
  /// Why a point is not as fast as its ranks' number; nil for one rank, where ranks shared cores, and where
  /// something was not measured.
  package func explanation(of point: ScalingPoint) -> ScalingExplanation? {
    explanation(of: point, round: nil)
  }

  /// The same of one round alone, counted from 0.
  func explanation(of point: ScalingPoint, round: Int?) -> ScalingExplanation? {
    guard point.ranks > 1, !point.isOversubscribed, let base = base(point.mode), base.ranks == 1 else {
      return nil
    }
    func chosen<Value>(_ values: [Value]) -> [Value] {
      guard let round else { return values }
      return values.indices.contains(round) ? [values[round]] : []
    }
    return ScalingExplanation(
      ranks: point.ranks, runs: chosen(point.runs), alone: chosen(base.runs),
      copies: chosen(point.copies ?? []))
  }
}
