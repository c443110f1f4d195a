import Foundation

/// A set of labelled images as IDX files: every class has a picture of its own, under noise.
struct LabelledSet {
  var height = 20
  var width = 32
  /// The classes that samples are of.
  var classes = 0..<47
  var trainCount = 940
  /// The magic number of label files.
  var labelMagic: UInt32 = 0x801
  /// What the files are called.
  var trainPrefix = "train"
  var testPrefix = "t10k"
  var labelForm = "idx1-ubyte"

  private func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

  private func element(_ label: Int) -> [UInt8] {
    switch labelMagic {
    case 0x801, 0x901: [UInt8(label)]
    case 0xB01: [UInt8(label >> 8), UInt8(label & 255)]
    // QMNIST's table: the writer and the like behind the class.
    case 0xC02: word(label) + (1..<8).flatMap { word($0 * 100) }
    default: word(label)
    }
  }

  /// Writes the four files.
  func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let url = URL(fileURLWithPath: folder)
    var state: UInt32 = 1
    func random() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 16
    }
    let pictures = classes.map { _ in (0..<height * width).map { _ in random() % 3 == 0 ? 160 : 0 } }
    for (prefix, count) in [(trainPrefix, trainCount), (testPrefix, trainCount / 5)] {
      let indices = (0..<count).map { $0 * 7 % classes.count }
      var images = word(0x803) + word(count) + word(height) + word(width)
      for index in indices { images += pictures[index].map { UInt8($0 + Int(random() % 96)) } }
      var labels = word(Int(labelMagic)) + word(count) + (labelMagic & 255 == 2 ? word(8) : [])
      for index in indices { labels += element(classes.lowerBound + index) }
      try Data(images).write(to: url.appendingPathComponent("\(prefix)-images-idx3-ubyte"))
      try Data(labels).write(to: url.appendingPathComponent("\(prefix)-labels-\(labelForm)"))
    }
  }
}
