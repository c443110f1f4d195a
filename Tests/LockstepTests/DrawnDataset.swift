import Datasets
import Foundation

extension TestData {
  /// Writes 8,000 training and 1,000 test digits of Lockstep's own as plain IDX files.
  static func writeIDX(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let dataset = Dataset(synthetic: SyntheticDigits(seed: 5), trainCount: 8000, testCount: 1000)
    for (split, prefix) in [(Dataset.Split.train, "train"), (.test, "t10k")] {
      let samples = try dataset.read(split)
      func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
      let images = number(2051) + number(samples.count) + number(28) + number(28) + samples.images
      let labels = number(2049) + number(samples.count) + samples.storedLabels(width: 1)
      let url = URL(fileURLWithPath: folder)
      try Data(images).write(to: url.appendingPathComponent("\(prefix)-images-idx3-ubyte"))
      try Data(labels).write(to: url.appendingPathComponent("\(prefix)-labels-idx1-ubyte"))
    }
  }
}
