import Analysis
import Foundation
import RunReports
import Runs
import Testing

@Suite struct RunScreenTests {
  private func screen(
    _ folder: RunFolder, _ status: RunHistory.Status = .running
  ) throws -> RunScreen { RunScreen(try RunHistory(folder: folder), status) }

  @Test func theScreenSaysWhoDoesWhatAndHowFar() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run", steps: 8) { $0.globalBatch = 32 }
    let lines = try screen(folder).lines(columns: 90)
    try #require(lines.count == 11)
    #expect(lines[0] == folder.path)
    #expect(lines[1] == "running, recipe linear-changed on 2 ranks: host ×2")
    // Eight of twenty steps of a second each, ten to an epoch.
    #expect(lines[2].hasSuffix("epoch 1/2  step 8/20  loss 0.340  90.0 %  32 images/s  12.0 s left"))
    #expect(lines[3] == "loss over steps")
    #expect(
      lines[10] == "epoch 1/2  loss 0.2500  training 92.50 %  validation 91.25 %  12,345 images/s")
  }

  /// Records that somebody has put together: steps that go back, times that are none.
  @Test func recordsOutOfOrderHaveAScreenAndAReport() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run", steps: 3)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.metrics))
    try handle.seekToEnd()
    for (step, seconds) in [(90, "\"inf\""), (1, "\"nan\""), (50, "-1e308")] {
      let others = #""forward":0,"backward":0,"reduction":0,"wait":0,"update":0,"checkpoint":0"#
      let line =
        #"{"event":"step","step":\#(step),"epoch":1,"loss":1e300,"accuracy":-1e308,"learningRate":1e308,"#
        + #""seconds":{"data":\#(seconds),\#(others)}}"# + "\n"
        + #"{"event":"checkpoint","step":\#(step),"time":-1e308,"ranks":2}"# + "\n"
      try handle.write(contentsOf: Data(line.utf8))
    }
    try handle.close()
    #expect(try screen(folder).lines(columns: 90).count == 11)
    let office = PostalCase(digits: 5, letters: 1e6, manualCost: 0.05, misrouteCost: 1)
    let report = try RunReport([folder], office: office, currency: "€") { _ in
      throw RunError("no dataset", exitCode: 66)
    }
    #expect(!report.plots.isEmpty)
  }

  @Test func aNarrowScreenIsKept() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run(String(repeating: "long", count: 20) + "-end")
    let lines = try screen(folder).lines(columns: 30)
    #expect(lines.allSatisfy { $0.count <= 30 })
    #expect(lines[0].hasPrefix("…") && lines[0].hasSuffix("long-end"))
  }

  @Test func manyHostsAreCounted() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run")
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 8)
    var launch = WrittenRuns.launch
    launch.bindings = (1...9).map { "node\($0): core 0" }
    try writer.append(EventRecord(event: "resume", step: 8, time: 2000, ranks: 9, launch: launch))
    try writer.flush()
    #expect(
      try screen(folder).lines(columns: 200)[1].hasSuffix(
        "on 9 ranks: node1, node2, node3, node4, node5, node6, and 3 more hosts"))
  }

  @Test func anEndIsToldWithTheWayOn() throws {
    let runs = try WrittenRuns()
    let folder = try runs.run("run", steps: 8)
    #expect(
      try screen(folder, .stopped).outcome
        == "stopped on request after step 8; go on with: lockstep train --run \(folder.path) --resume")
    #expect(try screen(folder, .dead).outcome.contains("last step on record 8; go on with: lockstep train"))
    #expect(try screen(folder, .finished).outcome == "finished")
    try folder.write(
      RunResult(
        testAccuracy: 99.25, testErrors: 75, testConfusion: [], parametersDigest: "", checkpointDigest: "",
        imagesPerSecond: 1, trainingSeconds: 7.26, wallSeconds: 8, startSeconds: 1, ranks: 2, rankTimes: [],
        epochs: 2, steps: 20, dataset: "mnist", datasetDigest: ""))
    #expect(
      try screen(folder, .finished).outcome
        == "finished: test accuracy 99.25 % (75 errors), training 7.3 s")
  }
}
