import Foundation
import LockstepPhotographs

/// `read-photograph PHOTOGRAPH`: prints the digits in a photograph, row by row, and where a person should look again.
@main
struct ReadPhotograph {
  /// A digit that is less probable is one to look at again.
  private static let sure: Float = 0.95

  static func main() {
    let words = CommandLine.arguments
    guard words.count == 2 else {
      exit(saying: "usage: read-photograph PHOTOGRAPH", code: 64)
    }
    do {
      let reading = try DigitReader().read(path: words[1])
      for line in reading.lines { print(line) }
      for digit in reading.rows.joined() where digit.confidence < sure {
        let (x, y) = (Int(digit.box.x), Int(digit.box.y))
        print(
          "look again at \(x), \(y): \(digit.digit) with probability \(digit.confidence), "
            + "\(digit.runnerUp) with \(digit.runnerUpProbability)")
      }
    } catch {
      exit(saying: error.description, code: error.kind == .missing ? 66 : 65)
    }
  }

  private static func exit(saying sentence: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("read-photograph: \(sentence)\n".utf8))
    Foundation.exit(code)
  }
}
