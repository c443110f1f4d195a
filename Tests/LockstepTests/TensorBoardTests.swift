import Foundation
import Testing

private let pythonWithTensorBoard = ProcessInfo.processInfo.environment["LOCKSTEP_TENSORBOARD"]

extension RealRanks {
  /// `train --tensorboard`, read back by the package `tensorboard`, whose Python `LOCKSTEP_TENSORBOARD` names.
  @Suite(.enabled(if: pythonWithTensorBoard != nil))
  struct TensorBoardTests {
    private static let script = """
      import json, sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      every = {"scalars": 0, "images": 0, "histograms": 0}
      events = EventAccumulator(sys.argv[1], size_guidance=every, purge_orphaned_data=True)
      events.Reload()
      tags = events.Tags()
      histograms = {tag: events.Histograms(tag) for tag in tags["histograms"]}
      json.dump({
          "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
          "images": {tag: [e.width for e in events.Images(tag)] for tag in tags["images"]},
          "histograms": {tag: [[e.step, e.histogram_value.num, sum(e.histogram_value.bucket)] for e in all]
                         for tag, all in histograms.items()},
      }, sys.stdout)
      """

    private struct Events: Decodable {
      var scalars: [String: [[Double]]]
      var images: [String: [Int]]
      var histograms: [String: [[Double]]]
    }

    private func read(_ run: String) throws -> Events {
      let outcome = try Command(
        executable: pythonWithTensorBoard ?? "", arguments: ["-c", Self.script, run + "/tensorboard"]
      ).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(Events.self, from: Data(outcome.output.utf8))
    }

    private func train(_ run: String, _ words: [String]) throws -> Int32 {
      try Command.ranks(
        2, ["train", "--quiet", "--no-report", "--tensorboard", "--run", run] + smallProblem + words
      ).run().code
    }

    @Test func eventsHoldWhatMetricsHold() throws {
      let scratch = try ScratchFolder()
      #expect(try train(scratch("run"), []) == 0)
      let events = try read(scratch("run"))
      let lines = try metrics(scratch("run"))
      let steps = lines.filter { $0["event"] as? String == "step" }
      let losses = try #require(events.scalars["train/loss"])
      #expect(losses.map { Int($0[0]) } == steps.compactMap { $0["step"] as? Int } && !steps.isEmpty)
      for (event, line) in zip(losses, steps) {
        #expect(Float(event[1]) == Float(try #require(line["loss"] as? Double)))
      }
      let epochs = lines.filter { $0["event"] as? String == "epoch" }
      let validation = try #require(events.scalars["validation/accuracy"])
      #expect(validation.count == epochs.count)
      let figures = try result(scratch("run"))
      #expect(
        Float(events.scalars["test/accuracy"]?[0][1] ?? 0) == Float(figures["testAccuracy"] as? Double ?? 1))
      // A picture for each mistake, 50 at most, and every weight once per epoch.
      #expect(events.images.count == min(figures["testErrors"] as? Int ?? 0, 50))
      #expect(events.images.values.allSatisfy { $0 == [28] })
      let first = try #require(events.histograms["conv1.weight"])
      #expect(first.count == 3 && first.allSatisfy { $0[1] == 200 && $0[2] == 200 })
      #expect(Set(events.histograms.keys).count == 6)
    }

    /// What is trained again after a restart does not stand there twice.
    @Test func aResumedRunHasEachStepOnce() throws {
      let scratch = try ScratchFolder()
      #expect(try train(scratch("run"), []) == 0)
      // As if the run had died after its first epoch.
      for name in checkpoints(scratch("run")).dropFirst() {
        try FileManager.default.removeItem(atPath: scratch("run/checkpoints/\(name)"))
      }
      for name in ["result.json", "final.safetensors"] {
        try FileManager.default.removeItem(atPath: scratch("run/\(name)"))
      }
      // Files of one second are told apart by their process.
      #expect(try train(scratch("run"), ["--resume"]) == 0)
      let losses = try #require(try read(scratch("run")).scalars["train/loss"])
      let steps = try metrics(scratch("run")).filter { $0["event"] as? String == "step" }
      #expect(losses.map { Int($0[0]) } == steps.compactMap { $0["step"] as? Int })
    }
  }
}
