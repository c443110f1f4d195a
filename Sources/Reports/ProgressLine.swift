internal import Formatting

/// One line on a terminal that says how far a run is.
package struct ProgressLine: Sendable {
  package var epoch: Int
  package var epochs: Int
  package var step: Int
  package var totalSteps: Int
  package var loss: Double
  /// Percent.
  package var accuracy: Double
  package var imagesPerSecond: Double
  package var secondsLeft: Double

  package init(
    epoch: Int, epochs: Int, step: Int, totalSteps: Int, loss: Double, accuracy: Double,
    imagesPerSecond: Double, secondsLeft: Double
  ) {
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.totalSteps = totalSteps
    self.loss = loss
    self.accuracy = accuracy
    self.imagesPerSecond = imagesPerSecond
    self.secondsLeft = secondsLeft
  }

  /// The line, at most `columns` characters wide: a bar where there is room for one.
  package func text(columns: Int) -> String {
    let facts =
      "epoch \(epoch)/\(epochs)  step \(step)/\(totalSteps)  loss \(Numbers.fixed(loss, 3))  "
      + "\(Numbers.fixed(accuracy, 1)) %  \(Numbers.grouped(imagesPerSecond)) images/s  "
      + "\(Numbers.duration(secondsLeft)) left"
    let room = columns - facts.count - 4
    guard room >= 8 else { return String(facts.prefix(max(columns - 1, 0))) }
    let width = min(room, 30)
    let share = totalSteps > 0 ? Double(step) / Double(totalSteps) : 1
    let filled = Int((Double(width) * min(max(share, 0), 1)).rounded(.down))
    return "▕" + String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled) + "▏ "
      + facts
  }
}
