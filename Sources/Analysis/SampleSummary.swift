/// What some measurements say of the quantity that they are of.
package struct SampleSummary: Hashable, Sendable, Codable {
  package var count: Int
  package var mean: Double
  /// The sample's standard deviation, with n − 1; nil for one value.
  package var deviation: Double?
  package var minimum: Double
  package var maximum: Double
  /// Where the mean of all such measurements is, with 95 % confidence, by Student's t; nil for one value.
  package var interval: ClosedRange<Double>?

  /// Nil for no values.
  package init?(_ values: [Double]) {
    guard let minimum = values.min(), let maximum = values.max() else { return nil }
    (count, self.minimum, self.maximum) = (values.count, minimum, maximum)
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    guard values.count > 1 else { return }
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (square / Double(values.count - 1)).squareRoot()
    self.deviation = deviation
    let half =
      StudentDistribution(degreesOfFreedom: Double(values.count - 1)).quantile(confidence: 0.95) * deviation
      / Double(values.count).squareRoot()
    interval = mean - half...mean + half
  }
}
