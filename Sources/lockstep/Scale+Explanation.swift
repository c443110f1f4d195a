import Formatting
import Reports
import Scaling

/// `--explain`.
extension Scale {
  /// Shows how even steps are, what the machine gives at once, and what efficiency is lost to.
  func showExplanation(_ ladder: ScalingLadder) {
    print("")
    showSteps(ladder)
    let explained = ladder.points.compactMap { point in
      ladder.explanation(of: point).map { (point: point, explanation: $0) }
    }
    guard !explained.isEmpty else {
      return print("nothing to explain: no point has more than one rank, each with a core of its own")
    }
    showCeilings(explained)
    showLosses(explained)
    // The most ranks of each ladder lose most.
    for mode in [ScalingPoint.Mode.strong, .weak] {
      if let (point, explanation) = explained.last(where: { $0.point.mode == mode }) {
        showRemedies(point, explanation)
      }
    }
  }

  private typealias Explained = (point: ScalingPoint, explanation: ScalingExplanation)

  private func showSteps(_ ladder: ScalingLadder) {
    var table = TextTable([
      ("step, ms", .left), ("ranks", .right), ("batch", .right), ("median", .right), ("90 %", .right),
      ("99 %", .right), ("longest", .right), ("99 % / median", .right),
    ])
    for point in ladder.points {
      guard let steps = StepTimes(medians: point.runs.compactMap(\.stepTimes)) else { continue }
      func milliseconds(_ seconds: Double) -> String { Numbers.fixed(seconds * 1e3, 2) }
      table.append([
        point.mode.rawValue, "\(point.ranks)\(point.isOversubscribed ? "*" : "")", "\(point.globalBatch)",
        milliseconds(steps.median), milliseconds(steps.ninetieth), milliseconds(steps.ninetyNinth),
        milliseconds(steps.most), Numbers.fixed(steps.tail, 2),
      ])
    }
    print(table.text)
  }

  private func showCeilings(_ explained: [Explained]) {
    var table = TextTable([
      ("", .left), ("ranks", .right), ("copies at once, images/s", .right), ("each", .right),
      ("machine", .right), ("ranks / copies", .right), ("efficiency", .right),
    ])
    for (point, explanation) in explained {
      let copies = point.copies ?? []
      let each = Spread(copies.flatMap(\.copies))
      table.append([
        point.mode.rawValue, "\(point.ranks)",
        Numbers.grouped(Spread(copies.map(\.imagesPerSecond)).median),
        "\(Numbers.grouped(each.least))–\(Numbers.grouped(each.most))",
        percent(explanation.machineEfficiency), percent(explanation.ceilingEfficiency),
        percent(explanation.efficiency),
      ])
    }
    print(table.text)
  }

  private func showLosses(_ explained: [Explained]) {
    let causes = ScalingExplanation.Cause.allCases
    var table = TextTable(
      [("lost to", .left), ("ranks", .right)] + causes.map { ($0.rawValue, .right) } + [("in all", .right)])
    for (point, explanation) in explained {
      table.append(
        [point.mode.rawValue, "\(point.ranks)"] + causes.map { percent(explanation.share($0)) }
          + [percent(1 - explanation.efficiency)])
    }
    print(table.text)
  }

  private func showRemedies(_ point: ScalingPoint, _ explanation: ScalingExplanation) {
    let losses = explanation.largestLosses
    guard !losses.isEmpty else { return }
    print("\(point.ranks) ranks (\(point.mode.rawValue)) lose most to")
    for loss in losses { print("- \(loss.cause.rawValue), \(percent(loss.share)): \(loss.cause.remedy)") }
  }
}
