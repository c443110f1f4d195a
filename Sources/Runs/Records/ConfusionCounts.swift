/// How often each class was taken for each, `[truth][prediction]`, as JSON.
///
/// Up to `mostRows` classes the counts are rows, as MNIST's ten. A thousand classes have a million counts, nearly all of
/// them 0: above `mostRows` those that are not 0 are written, in coordinate format (SciPy's `coo_array`):
/// `{"classes": 1000, "count": [9, 1], "prediction": [0, 7], "truth": [0, 0]}`. Either form is read.
@propertyWrapper
package struct ConfusionCounts: Codable, Hashable, Sendable {
  /// The most classes whose counts are written as rows.
  package static let mostRows = 100
  /// The most classes that are read, as many as a dataset may have.
  package static let mostClasses = 1000

  package var wrappedValue: [[Int]]

  package init(wrappedValue: [[Int]]) {
    self.wrappedValue = wrappedValue
  }

  /// The counts that are not 0: three lists of one length.
  private struct Coordinates: Codable {
    var classes: Int
    var truth: [Int] = []
    var prediction: [Int] = []
    var count: [Int] = []
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let given = try? container.decode(Coordinates.self) else {
      wrappedValue = try container.decode([[Int]].self)
      return
    }
    let classes = 0..<given.classes
    guard (1...Self.mostClasses).contains(given.classes), given.truth.count == given.count.count,
      given.prediction.count == given.count.count, given.truth.allSatisfy(classes.contains),
      given.prediction.allSatisfy(classes.contains)
    else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "counts outside of the classes that there are")
    }
    wrappedValue = [[Int]](repeating: [Int](repeating: 0, count: given.classes), count: given.classes)
    for ((truth, prediction), count) in zip(zip(given.truth, given.prediction), given.count) {
      wrappedValue[truth][prediction] = count
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    guard wrappedValue.count > Self.mostRows else { return try container.encode(wrappedValue) }
    var coordinates = Coordinates(classes: wrappedValue.count)
    for (truth, row) in wrappedValue.enumerated() {
      for (prediction, count) in row.enumerated() where count != 0 {
        coordinates.truth.append(truth)
        coordinates.prediction.append(prediction)
        coordinates.count.append(count)
      }
    }
    try container.encode(coordinates)
  }
}
