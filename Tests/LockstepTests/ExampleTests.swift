import Foundation
import LockstepModels
import LockstepPhotographs
import Photographs
import Testing

extension RealRanks {
  /// docs/examples/recognize, built as the package of its own that it is: what is not public does not compile there. That
  /// takes as long as building Lockstep, so only `scripts/test --all` does it.
  @Test(.enabled(if: Lab.isThorough)) func theExamplePackageRecognizesAndReadsDigits() throws {
    let root = Checkout.root.path
    let scratch = try ScratchFolder()
    let trained = try Command(
      executable: Command.binary,
      arguments: [
        "train", "--quiet", "--no-report", "--run", scratch("run"), "--recipe", "linear", "--steps", "50",
        "--data", "synthetic:500:3", "--validation", "0",
      ]
    ).run()
    try #require(trained.code == 0, "\(trained.errors)")
    let pixels = (0..<3 * 784).map { UInt8(truncatingIfNeeded: $0 * 31) }
    try Data(pixels).write(to: URL(fileURLWithPath: scratch("images")))
    // A folder of its own: two packages at a time in one would undo each other's work.
    var build = Command(
      executable: "swift",
      arguments: [
        "build", "-c", "release", "--package-path", root + "/docs/examples/recognize", "--scratch-path",
        root + "/.build/example",
      ])
    build.limit = 1800
    let built = try build.run()
    try #require(built.code == 0, "\(built.output.suffix(2000))")
    try expectRecognizing(root + "/.build/example/release/recognize", scratch, pixels)
    try expectReading(root + "/.build/example/release/read-photograph", scratch)
  }

  private func expectRecognizing(_ program: String, _ scratch: ScratchFolder, _ pixels: [UInt8]) throws {
    let outcome = try Command(
      executable: program, arguments: [scratch("run/final.safetensors"), scratch("images")]
    ).run()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let predictions = try DigitModel(path: scratch("run/final.safetensors")).predictAll(pixels)
    let lines = predictions.enumerated().map { "image \($0): \($1.digit), probability \($1.probability)\n" }
    #expect(outcome.output == lines.joined())
    let wrong = try Command(executable: program, arguments: [scratch("images"), scratch("images")]).run()
    #expect(wrong.code == 65 && !wrong.errors.isEmpty)
  }

  private func expectReading(_ program: String, _ scratch: ScratchFolder) throws {
    let path = try PhotographFiles.write(1, .hard, scratch)[0]
    let outcome = try Command(executable: program, arguments: [path]).run()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = try DigitReader().read(path: path).lines
    #expect(!lines.isEmpty && outcome.output.hasPrefix(lines.map { $0 + "\n" }.joined()))
    let wrong = try Command(executable: program, arguments: [scratch("none.jpg")]).run()
    #expect(wrong.code == 66 && wrong.errors.contains("none.jpg"))
    // A program that reads photographs has nothing of MPI in it.
    let libraries = try Command(executable: "ldd", arguments: [program]).run()
    #expect(libraries.output.contains("libjpeg") && !libraries.output.contains("mpi"), "\(libraries.output)")
  }
}
