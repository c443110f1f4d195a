import Foundation
import Runs
import Testing

extension RealRanks {
  /// `lockstep watch`. It only reads, so these tests write what it reads.
  @Suite struct WatchTests {
    private func folder(_ scratch: ScratchFolder) throws -> RunFolder {
      let folder = RunFolder(path: scratch("run"))
      try folder.prepare(try #require(Recipe.named("quick")))
      return folder
    }

    /// A run on two hosts that will take six steps in three epochs. It is being written as long as its writer lives.
    private func start(_ folder: RunFolder) throws -> MetricsWriter {
      let launch = LaunchFacts(
        command: ["lockstep", "train"], version: "0.1.0", kernel: "own",
        bindings: ["node1: cores 0", "node2: cores 0"], totalSteps: 6, stepsPerEpoch: 2, parameterCount: 1,
        trainCount: 128, dataset: "synthetic:128:0", datasetDigest: "cafe")
      let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
      try writer.append(EventRecord(event: "start", step: 0, time: 0, ranks: 2, launch: launch))
      try writer.flush()
      return writer
    }

    private func takeEpoch(_ number: Int, _ writer: MetricsWriter) throws {
      var seconds = PhaseTimes()
      seconds.forward = 15
      for step in [2 * number - 1, 2 * number] {
        try writer.append(
          StepRecord(
            step: step, epoch: number, loss: 1 / Double(step), accuracy: 90, learningRate: 0.01,
            seconds: seconds))
      }
      try writer.append(
        EpochRecord(
          step: 2 * number, epoch: number, loss: 0.5, accuracy: 90, validationLoss: 0.5,
          validationAccuracy: 91, imagesPerSecond: 1000, seconds: seconds))
      try writer.flush()
    }

    private func end(_ word: String, _ writer: MetricsWriter) throws {
      try writer.append(EventRecord(event: word, step: 6, time: 90, ranks: 2))
      try writer.flush()
    }

    private func watch(_ words: String...) throws -> Command.Outcome {
      try Command(executable: Command.binary, arguments: ["watch"] + words).run()
    }

    /// Goes on when `path` holds `text`.
    private func awaitText(_ text: String, in path: String) throws {
      let deadline = Date().addingTimeInterval(60)
      while (try? String(contentsOfFile: path, encoding: .utf8))?.contains(text) != true {
        try #require(Date() < deadline, "'\(text)' has not appeared in \(path)")
        usleep(2000)
      }
    }

    @Test func onceSaysHowFarARunIs() throws {
      let scratch = try ScratchFolder()
      let folder = try folder(scratch)
      let writer = try start(folder)
      try takeEpoch(1, writer)
      let outcome = try watch(folder.path, "--once")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.output.contains("running, recipe quick on 2 ranks: node1, node2\n"), "\(outcome.output)")
      // Four of six steps of 15 seconds are left.
      #expect(outcome.output.contains("step 2/6") && outcome.output.contains("1 min 00 s left\n"))
      #expect(outcome.output.contains("loss over steps"))
      try end("end", writer)
    }

    /// On a pipe: a line for each epoch as it comes, then how the run ended.
    @Test func followsARunToItsEnd() throws {
      let scratch = try ScratchFolder()
      let folder = try folder(scratch)
      let writer = try start(folder)
      let output = scratch("output")
      let watching = try Command(
        executable: "sh",
        arguments: [
          "-c", #"exec "$0" watch "$1" --interval 0.05 > "$2""#, Command.binary, folder.path, output,
        ]
      ).start()
      for epoch in 1...3 {
        try takeEpoch(epoch, writer)
        try awaitText("epoch \(epoch)/3  loss 0.5000  training 90.00 %  validation 91.00 %", in: output)
      }
      try end("end", writer)
      let outcome = try watching.wait()
      #expect(outcome.code == 0, "\(outcome.errors)")
      let text = try String(contentsOfFile: output, encoding: .utf8)
      #expect(text.split(separator: "\n").count == 4 && text.hasSuffix("\nfinished\n"), "\(text)")
      #expect(!text.contains("\u{1B}"))
    }

    @Test func saysThatARunWasStopped() throws {
      let scratch = try ScratchFolder()
      let folder = try folder(scratch)
      try end("stop", start(folder))
      let outcome = try watch(folder.path)
      #expect(
        outcome.code == 75 && outcome.output.contains("stopped on request after step 6"), "\(outcome.output)")
    }

    /// A run that died has written no end, and nobody holds its lock.
    @Test func saysThatARunIsDead() throws {
      let scratch = try ScratchFolder()
      let folder = try folder(scratch)
      try takeEpoch(1, start(folder))
      let outcome = try watch(folder.path, "--patience", "0")
      #expect(outcome.code == 1, "\(outcome.output)")
      #expect(outcome.output.contains("dead: no process writes") && outcome.output.contains("--resume"))
    }

    @Test func aFolderThatIsNoRunIsRefused() throws {
      let scratch = try ScratchFolder()
      let outcome = try watch(scratch.path)
      #expect(outcome.code == 66 && outcome.errors.contains("expected a run's folder"))
    }
  }
}
