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
    #expect(lines[1] == "running, recipe linear on 2 ranks: host ×2")
    // Eight of twenty steps of a second each, ten to an epoch.
    #expect(lines[2].hasSuffix("epoch 1/2  step 8/20  loss 0.340  90.0 %  32 images/s  12.0 s left"))
    #expect(lines[3] == "loss over steps")
    #expect(
      lines[10] == "epoch 1/2  loss 0.2500  training 92.50 %  validation 91.25 %  12,345 images/s")
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
