import Formatting
import Foundation
import Reports
import Scaling

extension Scale {
  /// Shows what was measured at each point.
  func show(_ ladder: ScalingLadder) {
    var table = TextTable([
      ("", .left), ("ranks", .right), ("batch", .right), ("images/s", .right), ("speed-up", .right),
      ("efficiency", .right), ("to \(Numbers.fixed(target, 2)) %", .right), ("compute", .right),
      ("reduction", .right), ("wait", .right), ("update", .right), ("imbalance", .right), ("CPU s", .right),
    ])
    for point in ladder.points where !point.runs.isEmpty {
      let rate = point.spread(\.imagesPerSecond)
      let times = point.runs.compactMap(\.secondsToTarget)
      table.append([
        point.mode.rawValue, "\(point.ranks)\(point.isOversubscribed ? "*" : "")", "\(point.globalBatch)",
        "\(Numbers.grouped(rate.median)) (\(Numbers.grouped(rate.least))–"
          + "\(Numbers.grouped(rate.most)))",
        ladder.speedUp(of: point).map { Numbers.fixed($0.median, 2) } ?? "",
        ladder.efficiency(of: point).map {
          "\(percent($0.median)) (\(Numbers.fixed(100 * $0.least, 0))–\(Numbers.fixed(100 * $0.most, 0)))"
        } ?? "–",
        times.count == point.runs.count ? "\(Numbers.fixed(Spread(times).median, 2)) s" : "not reached",
        percent(point.spread(\.compute).median), percent(point.spread(\.reduction).median),
        percent(point.spread(\.wait).median), percent(point.spread(\.update).median),
        percent(point.spread(\.imbalance).median),
        Numbers.fixed(point.spread(\.processorSeconds).median, 1),
      ])
    }
    print(table.text)
    if ladder.points.contains(where: \.isOversubscribed) {
      print("* more ranks than cores: not a measure of scaling")
    }
    if ladder.disagreements.isEmpty, ladder.points.contains(where: { $0.mode == .strong }) {
      print("all strong runs ended with the same model")
    }
  }
}
