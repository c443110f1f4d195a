internal import Foundation

/// What a run has left in its folder, for those who look at it: while it goes on, or afterwards.
public struct RunHistory: Sendable {
  public let folder: RunFolder
  public let recipe: Recipe
  public private(set) var steps: [StepRecord] = []
  public private(set) var epochs: [EpochRecord] = []
  /// Starts, resumptions, checkpoints, stops, the end.
  public private(set) var events: [EventRecord] = []
  /// nil if the run has not come to its end.
  public let result: RunResult?

  /// Reads a run's folder. A last line that is being written is left out.
  ///
  /// - Throws: `RunError` if there is no run, or its files cannot be read.
  public init(folder: RunFolder) throws {
    self.folder = folder
    guard folder.isUsed, FileManager.default.fileExists(atPath: folder.recipe) else {
      throw RunError(
        "\(folder.path): expected a run's folder with recipe.json and metrics.jsonl, found none", exitCode: 66
      )
    }
    do {
      recipe = try Recipe.parse(Data(contentsOf: URL(fileURLWithPath: folder.recipe)), origin: folder.recipe)
      let data = (try? Data(contentsOf: URL(fileURLWithPath: folder.result))) ?? Data()
      result = data.isEmpty ? nil : try JSONDecoder().decode(RunResult.self, from: data)
      let metrics = try Data(contentsOf: URL(fileURLWithPath: folder.metrics))
      try read(metrics)
    } catch let error as RecipeError {
      throw error
    } catch let error as RunError {
      throw error
    } catch {
      throw RunError("\(folder.path) cannot be read: \(error.localizedDescription)", exitCode: 65)
    }
  }

  private mutating func read(_ metrics: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let lines = metrics.split(separator: UInt8(ascii: "\n"))
    for (index, line) in lines.enumerated() {
      do {
        switch try decoder.decode(Kind.self, from: line).event {
        case "step": steps.append(try decoder.decode(StepRecord.self, from: line))
        case "epoch": epochs.append(try decoder.decode(EpochRecord.self, from: line))
        default: events.append(try decoder.decode(EventRecord.self, from: line))
        }
      } catch {
        if index == lines.count - 1, metrics.last != UInt8(ascii: "\n") { return }
        throw RunError(
          "\(folder.metrics), line \(index + 1): expected a record of a step, an epoch or an event, found "
            + "'\(String(decoding: line.prefix(60), as: UTF8.self))'", exitCode: 65)
      }
    }
  }

  private struct Kind: Decodable {
    var event: String
  }

  /// How the run was started, last time; nil for a run of a version that did not write it down.
  public var launch: LaunchFacts? { events.last { $0.launch != nil }?.launch }

  /// The run's time line: seconds since its first start, pauses between a stop and a restart included.
  public var timeline: (steps: [Double], events: [Double]) {
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
