import Foundation
import Runs
import Testing

@Suite struct RunHistoryTests {
  @Test func whatTheWriterWroteIsRead() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    let epoch = EpochRecord(
      step: 2, epoch: 1, loss: 0.25, accuracy: 92, validationLoss: 0.5, validationAccuracy: 91,
      imagesPerSecond: 1000, seconds: PhaseTimes())
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(event("start", time: 100, totalSteps: 8))
    try writer.append(step(1))
    try writer.append(step(2))
    try writer.append(epoch)
    try writer.flush()
    let history = try RunHistory(folder: folder)
    #expect(history.steps == [step(1), step(2)])
    #expect(history.epochs == [epoch])
    #expect(history.events == [event("start", time: 100, totalSteps: 8)])
    #expect(history.recipe == Recipe.named("linear") && history.result == nil)
  }

  /// A line that is being written is read when it is whole, and nothing is read twice.
  @Test func halfALineIsLeftForLater() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(step(1))
    try writer.flush()
    try append(#"{"event":"checkpoint","step":1,"ti"#, to: folder.metrics)
    var history = try RunHistory(folder: folder)
    #expect(history.steps.count == 1 && history.events.isEmpty)
    try append(#"me":7,"ranks":1}"# + "\n", to: folder.metrics)
    try history.update()
    #expect(history.steps.count == 1 && history.events == [event("checkpoint", step: 1, time: 7)])
  }

  /// A run that went on from step 2 has other lines behind it, be they fewer than were read before or more.
  @Test(arguments: [3, 50])
  func aRestartIsReadAnew(_ last: Int) throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var writer: MetricsWriter? = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer?.append(event("start", totalSteps: 60))
    for number in 1...9 { try writer?.append(step(number)) }
    try writer?.flush()
    writer = nil
    var history = try RunHistory(folder: folder)
    let second = try MetricsWriter(path: folder.metrics, continuingAfter: 2)
    try second.append(event("resume", step: 2, time: 5, totalSteps: 60))
    for number in 3...last { try second.append(step(number, loss: 0.25)) }
    try second.flush()
    try history.update()
    #expect(history.steps.map(\.step) == Array(1...last))
    #expect(history.steps.map(\.loss) == [0.5, 0.5] + [Double](repeating: 0.25, count: last - 2))
    #expect(history.events.map(\.event) == ["start", "resume"])
  }

  /// The new lines may even end, where the old ones did, with the same one.
  @Test func aRestartThatLooksAlikeIsReadAnew() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    func write(_ losses: [Double]) throws {
      let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
      for (index, loss) in losses.enumerated() { try writer.append(step(index + 1, loss: loss)) }
      try writer.flush()
    }
    try write([0.5, 0.5])
    var history = try RunHistory(folder: folder)
    // Whoever looks has the old file open no longer, but the system has not used its number again.
    let old = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.metrics))
    defer { try? old.close() }
    try write([0.7, 0.5])
    try history.update()
    #expect(history.steps.map(\.loss) == [0.7, 0.5])
  }

  /// Between its recipe and its first line a run has nothing to show, and is one.
  @Test func aRunThatBeginsIsARun() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var history = try RunHistory(folder: folder)
    #expect(history.events.isEmpty && history.status == .dead)
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(event("start"))
    try writer.flush()
    try history.update()
    #expect(history.events.count == 1 && history.status == .running)
  }

  /// Running as long as a process holds the file, and dead if none does and no end was written.
  @Test func statusFollowsTheWriter() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var writer: MetricsWriter? = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer?.append(event("start"))
    try writer?.flush()
    var history = try RunHistory(folder: folder)
    #expect(history.status == .running)
    writer = nil
    #expect(history.status == .dead)
    writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    #expect(history.status == .running)
    for (word, status) in [("stop", RunHistory.Status.stopped), ("resume", .running), ("end", .finished)] {
      try writer?.append(event(word))
      try writer?.flush()
      try history.update()
      #expect(history.status == status)
    }
    writer = nil
    #expect(history.status == .finished)
  }

  @Test func theTimeLineHasPausesInIt() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(event("start", time: 100, totalSteps: 6))
    try writer.append(step(1, seconds: 2))
    try writer.append(step(2, seconds: 3))
    try writer.append(event("checkpoint", step: 2, time: 106))
    // Dead for a while: 20 seconds after the start it goes on.
    try writer.append(event("resume", step: 2, time: 120, totalSteps: 6))
    try writer.append(step(3, seconds: 1))
    try writer.append(step(4, seconds: 1))
    try writer.flush()
    let history = try RunHistory(folder: folder)
    #expect(history.timeline.steps == [2, 5, 21, 22])
    #expect(history.timeline.events == [0, 6, 20])
    // Two steps are left, at the mean of 2, 3, 1 and 1 seconds.
    #expect(history.secondsLeft == 2 * 7.0 / 4)
  }

  private func error(_ body: () throws -> Void) -> (code: Int32, words: String) {
    do {
      try body()
      return (0, "")
    } catch {
      return (RunError(error).exitCode, "\(error)")
    }
  }

  @Test func whatIsNoRunIsRefused() throws {
    let scratch = try Scratch()
    let empty = error { _ = try RunHistory(folder: RunFolder(path: scratch.path)) }
    #expect(empty.code == 66 && empty.words.contains("\(scratch.path): expected a run's folder"))
    let folder = try scratch.run()
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(step(1))
    try writer.flush()
    try append("{\"event\":\"step\",\"step\":2}\n", to: folder.metrics)
    let damaged = error { _ = try RunHistory(folder: folder) }
    #expect(damaged.code == 65 && damaged.words.contains(#"found '{"event":"step","step":2}'"#))
    try Data("{".utf8).write(to: URL(fileURLWithPath: folder.recipe))
    let recipe = error { _ = try RunHistory(folder: folder) }
    #expect(recipe.code == 65 && recipe.words.contains("\(folder.recipe): expected a recipe in JSON"))
  }
}
