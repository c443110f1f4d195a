import ArgumentParser
import Files
import Foundation
import Photographs
import Training

/// `lockstep read`.
struct Read: ParsableCommand {
  @Option(help: ArgumentHelp("A checkpoint, e.g. a run's final.safetensors.", valueName: "file"))
  var model: String

  @Argument(help: ArgumentHelp("Photographs.", valueName: "photograph"))
  var photographs: [String]

  func run() throws {
    let reader = PhotographReader(try NetworkRecognizer(try TrainedModel(path: model)))
    for path in photographs {
      let start = MonotonicClock.now()
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let picture = try Picture(decoding: Array(bytes), name: path)
      let decoded = MonotonicClock.now()
      let reading = reader.read(picture)
      let done = MonotonicClock.now()
      for row in reading.rows {
        print(
          row.map { "\($0.digit)" }.joined(),
          row.map { String(format: "%.0f", $0.confidence * 100) }.joined(separator: " "))
      }
      print("rejected \(reading.rejectedCount), decode \(decoded - start), read \(done - decoded)")
    }
  }
}
