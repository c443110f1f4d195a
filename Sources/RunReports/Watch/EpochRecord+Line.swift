internal import Formatting
package import Runs

extension EpochRecord {
  /// The epoch in one line.
  package func line(of epochs: Int) -> String {
    var line =
      "epoch \(epoch)/\(epochs)  loss \(Numbers.fixed(loss, 4))  training \(Numbers.fixed(accuracy, 2)) %"
    if let validationAccuracy { line += "  validation \(Numbers.fixed(validationAccuracy, 2)) %" }
    return line + "  \(Numbers.grouped(imagesPerSecond)) images/s"
  }
}
