internal import Files
internal import Foundation

/// What a run has left in its folder, for those who look at it: while it goes on, or afterwards.
package struct RunHistory: Sendable {
  package let folder: RunFolder
  package let recipe: Recipe
  package private(set) var steps: [StepRecord] = []
  package private(set) var epochs: [EpochRecord] = []
  /// Starts, resumptions, checkpoints, stops, divergence, the end.
  package private(set) var events: [EventRecord] = []
  /// nil if the run has not come to its end.
  package private(set) var result: RunResult?
  /// How much of metrics.jsonl has been read.
  private var offset = 0
  /// Which file that was.
  private var identity: ReadableFile.Identity?
  /// The last line of that: what stands there as long as nobody has written the file anew.
  private var lastLine = Data()

  /// Reads a run's folder. A last line that is being written is left out.
  ///
  /// - Throws: `RunError` if there is no run, or its files cannot be read.
  package init(folder: RunFolder) throws {
    self.folder = folder
    guard folder.isUsed, FileManager.default.fileExists(atPath: folder.recipe) else {
      throw RunError(
        "\(folder.path): expected a run's folder with recipe.json and metrics.jsonl, found none", exitCode: 66
      )
    }
    do {
      recipe = try Recipe.parse(Data(readFile(folder.recipe)), origin: folder.recipe)
    } catch let error as RecipeError {
      throw RunError(error.description, exitCode: 65)
    }
    try update()
  }

  /// Reads what has been written since. A run that was resumed meanwhile is read anew.
  ///
  /// - Throws: `RunError` with exit code 65 if a file is none of a run, `FileError` if one cannot be read.
  package mutating func update() throws {
    // A run writes its recipe a moment before the first line.
    guard FileManager.default.fileExists(atPath: folder.metrics) || offset > 0 else { return }
    let metrics = try ReadableFile(path: folder.metrics)
    if try !hasReadTheBeginning(of: metrics) {
      (steps, epochs, events, offset, lastLine) = ([], [], [], 0, Data())
    }
    identity = metrics.identity
    let data = Data(try metrics.read(offset..<max(metrics.count, offset)))
    // A line that is being written is read next time.
    let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { data[...$0] } ?? Data()
    try read(whole)
    offset += whole.count
    if let line = whole.split(separator: UInt8(ascii: "\n")).last { lastLine = Data(line) }
    result = try folder.readResult()
  }

  /// Whether the file still begins with what was read: a run that is resumed drops lines, and may have written more
  /// than these since, into a file of its own.
  private func hasReadTheBeginning(of metrics: borrowing ReadableFile) throws -> Bool {
    guard metrics.identity == identity, metrics.count >= offset else { return false }
    guard offset > 0 else { return true }
    // Systems use the identity of a file that is gone again.
    let start = offset - lastLine.count - 1
    return try metrics.read(start..<start + lastLine.count) == Array(lastLine)
  }

  private mutating func read(_ metrics: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    for line in metrics.split(separator: UInt8(ascii: "\n")) {
      do {
        let head = try decoder.decode(Head.self, from: line)
        guard head.isPlausible else { throw ImplausibleNumber() }
        switch head.event {
        case "step": steps.append(try decoder.decode(StepRecord.self, from: line))
        case "epoch": epochs.append(try decoder.decode(EpochRecord.self, from: line))
        default: events.append(try decoder.decode(EventRecord.self, from: line))
        }
      } catch {
        throw RunError(
          "\(folder.metrics): expected lines with a record of a step, an epoch or an event, found "
            + "'\(String(decoding: line.prefix(60), as: UTF8.self))'", exitCode: 65)
      }
    }
  }

  /// What all lines have, and the whole numbers that are computed with.
  private struct Head: Decodable {
    var event: String
    var step: Int
    var epoch: Int?
    var ranks: Int?
    var launch: Plan?

    struct Plan: Decodable {
      var totalSteps: Int
      var stepsPerEpoch: Int
      var parameterCount: Int
      var trainCount: Int
    }

    /// Whether sums and products of these are far from overflow.
    var isPlausible: Bool {
      let numbers = [
        step, epoch, ranks, launch?.totalSteps, launch?.stepsPerEpoch, launch?.parameterCount,
        launch?.trainCount,
      ]
      return numbers.compactMap(\.self).allSatisfy { (0...Recipe.mostSteps).contains($0) }
    }
  }

  private struct ImplausibleNumber: Error {}

  /// How far a run is.
  package enum Status: Sendable {
    case running
    case finished
    /// By a signal, with a checkpoint.
    case stopped
    /// Its losses ran away.
    case diverged
    /// No process writes it any more, and it has not come to an end.
    case dead
  }

  package var status: Status {
    switch events.last?.event {
    case "end": .finished
    case "stop": .stopped
    case "diverged": .diverged
    default: FolderLock.holder(of: folder.path) == nil ? .dead : .running
    }
  }

  /// Seconds that are left at the pace of the last steps; nil before the first step or without `launch`.
  package var secondsLeft: Double? {
    guard let total = launch?.totalSteps, let last = steps.last else { return nil }
    let recent = steps.suffix(100)
    let pace = recent.reduce(0) { $0 + $1.seconds.total } / Double(recent.count)
    return Double(max(total - last.step, 0)) * pace
  }

  /// How the run was started, last time; nil for a run of a version that did not write it down.
  package var launch: LaunchFacts? { events.last { $0.launch != nil }?.launch }

  /// The run's time line: seconds since its first start, pauses between a stop and a restart included.
  package var timeline: (steps: [Double], events: [Double]) {
    var stepTimes: [Double] = []
    var eventTimes: [Double] = []
    let start = events.first?.time ?? 0
    var next = 0
    var now = 0.0
    for event in events {
      // The steps that were taken before it.
      while next < steps.count, steps[next].step <= event.step {
        now += steps[next].seconds.total
        stepTimes.append(now)
        next += 1
      }
      now = max(now, event.time - start)
      eventTimes.append(now)
    }
    for step in steps[next...] {
      now += step.seconds.total
      stepTimes.append(now)
    }
    return (stepTimes, eventTimes)
  }
}
