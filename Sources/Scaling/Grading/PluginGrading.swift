internal import Files
internal import Foundation
package import Jobs

/// Tries a reduction plugin with several numbers of ranks, in jobs of their own, and ends those that hang.
package struct PluginGrading {
  /// How a job ended.
  package enum Outcome: Hashable, Sendable {
    /// All was tried.
    case tried(PluginFigures)
    /// It did not come to its end; why, in a sentence.
    case failed(ranks: Int, String)

    /// The number of ranks.
    package var ranks: Int {
      switch self {
      case .tried(let figures): figures.ranks
      case .failed(let ranks, _): ranks
      }
    }

    /// What is wrong, a sentence each; none if nothing is.
    package var faults: [String] {
      switch self {
      case .tried(let figures): figures.faults
      case .failed(_, let sentence): [sentence]
      }
    }
  }

  /// Seconds that a call of the plugin may take.
  package let limit: Double
  /// What the job of so many ranks is started with: words that run this program's `command` on them.
  private let words: (_ ranks: Int, _ command: [String]) -> [String]
  private let environment: [String: String]
  private let signals: SignalQueue

  /// Seconds that a job may take until its first call, and between the calls.
  private static let startSeconds = 60.0
  /// What the root writes at the end.
  package static let figuresName = "figures.json"

  /// Jobs that `words` start in `environment`; a signal among `signals` ends them.
  package init(
    limit: Double, environment: [String: String], signals: SignalQueue,
    words: @escaping (_ ranks: Int, _ command: [String]) -> [String]
  ) {
    self.limit = limit
    self.environment = environment
    self.signals = signals
    self.words = words
  }

  /// Tries it on `ranks` ranks by this program's `command`, to which the folder is added that it is to write into; nil if a
  /// signal asked for an end.
  ///
  /// - Throws: `JobError` if the job cannot be started, `FileError` if there is no place for its files.
  package func run(ranks: Int, _ command: [String]) throws -> Outcome? {
    let folder = try PendingFile.createFreshFolder(
      FileManager.default.temporaryDirectory.path
        + "/lockstep-grade-\(ProcessInfo.processInfo.processIdentifier)-\(ranks)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let log = folder + "/errors"
    let job = try ChildProcess(
      words(ranks, command + [folder]), environment: environment, output: .discarded, errors: .file(log))
    defer { end(job) }
    var (seen, since) = ([PluginRank](), MonotonicClock.now())
    while job.poll() == nil {
      if let number = signals.next(withinSeconds: 0.05), number != SIGCHLD { return nil }
      let now = (0..<ranks).map { PluginRank(log: Self.logPath(folder, rank: $0)) }
      if now != seen { (seen, since) = (now, MonotonicClock.now()) }
      let isCalling = now.contains(where: \.isInside)
      if MonotonicClock.now() - since > (isCalling ? limit : Self.startSeconds) {
        return .failed(ranks: ranks, Self.hang(now, seconds: isCalling ? limit : Self.startSeconds))
      }
    }
    let code = job.wait()
    if code == 0, let data = FileManager.default.contents(atPath: folder + "/" + Self.figuresName),
      let figures = try? JSONDecoder().decode(PluginFigures.self, from: data)
    {
      return .tried(figures)
    }
    let ranks = (0..<ranks).map { PluginRank(log: Self.logPath(folder, rank: $0)) }
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return .failed(ranks: ranks.count, Self.end(ranks, code: code, log: text))
  }

  /// Ends a job that has not come to its end by itself, all its ranks with it.
  private func end(_ job: ChildProcess) {
    job.signal(SIGTERM)
    // mpirun kills its ranks after a second.
    let start = MonotonicClock.now()
    while job.poll() == nil, MonotonicClock.now() - start < 10 { usleep(20_000) }
    job.signal(SIGKILL)
    _ = job.wait()
  }

  /// The file in `folder` in which a rank says what it does.
  package static func logPath(_ folder: String, rank: Int) -> String { "\(folder)/rank-\(rank)" }

  /// What ranks did when nobody got any further.
  package static func hang(_ ranks: [PluginRank], seconds: Double) -> String {
    let inside = ranks.indices.filter { ranks[$0].isInside }
    guard let count = inside.compactMap({ ranks[$0].count }).first else {
      return "the ranks did not get to the plugin within \(Int(seconds)) s"
    }
    let who =
      inside.count == ranks.count
      ? "all ranks hang" : "rank \(words(inside)) \(inside.count == 1 ? "hangs" : "hang")"
    let others =
      inside.count == ranks.count
      ? "" : ", while rank \(words(ranks.indices.filter { !inside.contains($0) })) returned"
    return
      "\(who): no end within \(seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)") s in a sum of \(count) \(count == 1 ? "float" : "floats")\(others)"
  }

  /// Why a job ended that nobody ended.
  package static func end(_ ranks: [PluginRank], code: Int32, log: String) -> String {
    let mark = "lockstep: "
    let sentence = log.split(separator: "\n").first { $0.hasPrefix(mark) }.map {
      String($0.dropFirst(mark.count))
    }
    let count = ranks.filter(\.isInside).compactMap(\.count).first
    let place = count.map { ", in a sum of \($0) \($0 == 1 ? "float" : "floats")" } ?? ""
    let last = log.split(separator: "\n").last.map { ": \($0)" } ?? ""
    return (sentence ?? "the job ended with code \(code)\(last)") + place
  }

  private static func words(_ ranks: [Int]) -> String {
    let words = ranks.map(String.init)
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

/// What a rank of a trial has said of itself.
package struct PluginRank: Hashable, Sendable {
  /// Lines that it has written.
  package var lines = 0
  /// Whether it is in the plugin, and the floats of its last call.
  package var isInside = false
  package var count: Int?

  /// A rank that has said so.
  package init(lines: Int = 0, isInside: Bool = false, count: Int? = nil) {
    (self.lines, self.isInside, self.count) = (lines, isInside, count)
  }

  /// Reads a rank's log, which may not be there yet.
  package init(log path: String) {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") {
      guard let event = PluginEvent(line: line) else { continue }
      lines += 1
      switch event {
      case .entering(let count): (isInside, self.count) = (true, count)
      case .returned: isInside = false
      }
    }
  }
}
