import Foundation
import LockstepModels

/// `recognize MODEL IMAGES`: prints the digit that each image shows, with its probability.
///
/// IMAGES are 28 × 28 bytes each, one image behind the other, row by row, 0 for background and 255 for ink.
@main
struct Recognize {
  static func main() {
    let words = CommandLine.arguments
    guard words.count == 3 else {
      exit(saying: "usage: recognize MODEL IMAGES", code: 64)
    }
    guard let images = FileManager.default.contents(atPath: words[2]) else {
      exit(saying: "\(words[2]): cannot be read", code: 66)
    }
    do {
      let model = try DigitModel(path: words[1])
      for (index, prediction) in try model.predictAll([UInt8](images)).enumerated() {
        print("image \(index): \(prediction.digit), probability \(prediction.probability)")
      }
    } catch {
      exit(saying: error.description, code: 65)
    }
  }

  private static func exit(saying sentence: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("recognize: \(sentence)\n".utf8))
    Foundation.exit(code)
  }
}
