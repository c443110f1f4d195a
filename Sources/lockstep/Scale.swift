import ArgumentParser
import Cluster
import Foundation
import Reports
import Scaling
import Tensors
import Training

/// `lockstep scale`: how much faster training gets with more ranks.
struct Scale: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how training speeds up with the number of ranks.",
    discussion: """
      Examples:
        lockstep scale --ranks 1,2
        lockstep scale --ranks 1,2,4,8 --both --hostfile hosts --repeats 5 -- --recipe medium-1024
      Runs the ladder of ranks several times, in turns, each rank bound to a core; what stands behind -- goes to \
      `lockstep train`. Prints a table and writes scaling.csv, scaling.svg and scaling.json. All strong points must end \
      with the same model: exit code 70 if they do not.
      """)

  @Option(help: "The numbers of ranks, with commas.")
  var ranks = "1,2"

  @Flag(help: "The same global batch at every number of ranks (default).")
  var strong = false

  @Flag(help: "A global batch that grows with the ranks.")
  var weak = false

  @Flag(help: "Both ladders.")
  var both = false

  @Option(help: "How often to run each point.")
  var repeats = 3

  @Option(help: ArgumentHelp("Hosts and their slots, as for mpirun.", valueName: "file"))
  var hostfile: String?

  @Option(help: "The validation accuracy, in per cent, to measure the time to.")
  var target = 99.03

  @Option(help: ArgumentHelp("Where to write the results.", valueName: "folder"))
  var out = "scaling"

  @Option(
    help: ArgumentHelp("Further arguments for mpirun, in one word with spaces.", valueName: "arguments"))
  var mpirunOptions = ""

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Arguments of `lockstep train`, behind --.", valueName: "train's arguments"))
  var words: [String] = []

  func validate() throws {
    _ = try rankList()
    if repeats < 1 { throw ValidationError("--repeats must be at least 1, found \(repeats)") }
    for word in words where ["--run", "--resume"].contains(where: { word == $0 || word.hasPrefix($0 + "=") })
    {
      throw ValidationError("'\(word)' is scale's own matter: each run gets a folder of its own")
    }
  }

  private func rankList() throws -> [Int] {
    let list = ranks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard list.allSatisfy({ $0 > 0 }), Set(list).count == list.count else {
      throw ValidationError("--ranks: expected different numbers from 1 up with commas, found '\(ranks)'")
    }
    return list.sorted()
  }

  func run() throws {
    if Launch.isUnderLauncher {
      throw ValidationError("scale starts mpirun itself: call it without mpirun")
    }
    let recipe = try recipe()
    let slots = try availableSlots()
    let counts = try rankList()
    let modes: [ScalingPoint.Mode] = both || (weak && strong) ? [.strong, .weak] : weak ? [.weak] : [.strong]
    var ladder = ScalingLadder(
      points: modes.flatMap { mode in
        counts.map { count in
          ScalingPoint(
            mode: mode, ranks: count,
            globalBatch: mode == .strong ? recipe.globalBatch : recipe.globalBatch * count / counts[0],
            isOversubscribed: count > slots)
        }
      })
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD])

    let runs = repeats * ladder.points.count
    for round in 0..<repeats {
      for index in ladder.points.indices {
        let point = ladder.points[index]
        note(
          "run \(round * ladder.points.count + index + 1) of \(runs): \(point.mode.rawValue), "
            + "\(point.ranks) \(point.ranks == 1 ? "rank" : "ranks")")
        ladder.points[index].runs.append(try measure(point, signals))
        try write(ladder, recipe)
      }
    }
    show(ladder)
    for sentence in ladder.disagreements { note("error: \(sentence)") }
    if !ladder.disagreements.isEmpty { throw ExitCode(70) }
  }

  /// The recipe that train will make of its arguments.
  private func recipe() throws -> Recipe {
    do {
      return try RecipeArguments.parse(words).recipeOptions.resolve(over: nil)
    } catch {
      throw ValidationError("behind --: \(RecipeArguments.message(for: error))")
    }
  }

  /// As much of train's command line as a recipe depends on.
  private struct RecipeArguments: ParsableArguments {
    @OptionGroup var recipeOptions: RecipeOptions
    @OptionGroup var dataOptions: DataOptions
    @Option var stallTimeout: Int?
    @Option var reduction: String?
    @Option var reductionAlgorithm: String?
    @Option var verifyEvery: Int?
    @Option var checkpointEvery: Int?
    @Option var keep: Int?
  }

  private func availableSlots() throws -> Int {
    guard let hostfile else { return ProcessorSet().cores }
    guard let data = FileManager.default.contents(atPath: hostfile) else {
      throw RunError("--hostfile: '\(hostfile)' cannot be read", exitCode: 66)
    }
    let hosts = try Hostfile(parsing: String(decoding: data, as: UTF8.self), origin: hostfile)
    guard let slots = hosts.slots else {
      throw RunError(
        "\(hostfile): every host needs slots=N, its physical cores, to tell what fits", exitCode: 65)
    }
    return slots
  }

  // MARK: - One run

  private func measure(_ point: ScalingPoint, _ signals: SignalQueue) throws -> ScalingPoint.Run {
    let folder = RunFolder(path: out + "/run")
    try? FileManager.default.removeItem(atPath: folder.path)
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let log = out + "/run.log"
    defer { try? FileManager.default.removeItem(atPath: log) }

    var arguments = ["mpirun", "--quiet", "-n", "\(point.ranks)"]
    if let hostfile { arguments += ["--hostfile", hostfile] }
    let given = mpirunOptions.split(separator: " ").map(String.init)
    let environment = ProcessInfo.processInfo.environment
    if point.isOversubscribed || (hostfile == nil && !ProcessorSet().isWholeHost) {
      arguments += ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    } else if !given.contains("--bind-to"), environment["OMPI_MCA_hwloc_base_binding_policy"] == nil {
      arguments += ["--bind-to", "core"] + (given.contains("--map-by") ? [] : ["--map-by", "core"])
    }
    for name in environment.keys.sorted() where name.hasPrefix("LOCKSTEP_") || name.hasPrefix("OPENBLAS_") {
      arguments += ["-x", name]
    }
    arguments += given + [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path, "train"]
    arguments += ["--quiet", "--run", folder.path] + words + ["--global-batch", "\(point.globalBatch)"]

    let child = try ChildProcess(
      ["setpriv", "--pdeathsig", "TERM"] + arguments, environment: Launch.mpirunEnvironment,
      output: .discarded, errors: .file(log))
    while child.poll() == nil {
      if let number = signals.next(withinSeconds: 60), number != SIGCHLD {
        child.signal(SIGTERM)
        _ = child.wait()
        note("stopped; what was measured is in \(out)")
        throw ExitCode(130)
      }
    }
    let code = child.wait()
    guard code == 0 else {
      let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let sentence = words.split(separator: "\n").first { $0.hasPrefix("lockstep: ") }?.dropFirst(10)
      throw RunError(
        "the run with \(point.ranks) ranks ended with code \(code): \(sentence ?? words.suffix(500)[...])",
        exitCode: code < 64 || code > 78 ? 69 : code)
    }
    return try figures(folder)
  }

  /// What a finished run's files say.
  private func figures(_ folder: RunFolder) throws -> ScalingPoint.Run {
    let result = try JSONDecoder().decode(
      RunResult.self, from: Data(contentsOf: URL(fileURLWithPath: folder.result)))
    let count = Double(result.rankTimes.count)
    func mean(_ value: (PhaseTimes) -> Double) -> Double {
      result.rankTimes.reduce(0) { $0 + value($1.phases) } / count
    }
    let computed = result.rankTimes.map { $0.phases.forward + $0.phases.backward }
    let total = mean(\.total)
    let average = computed.reduce(0, +) / count
    return ScalingPoint.Run(
      imagesPerSecond: result.imagesPerSecond, secondsToTarget: try secondsToTarget(folder),
      compute: mean { $0.data + $0.forward + $0.backward } / total, reduction: mean(\.reduction) / total,
      wait: mean(\.wait) / total, update: mean(\.update) / total,
      imbalance: average > 0 ? (computed.max() ?? 0) / average - 1 : 0,
      processorSeconds: result.rankTimes.reduce(0) { $0 + $1.processorSeconds },
      digest: result.checkpointDigest)
  }

  /// Seconds of training steps until the first epoch whose validation reaches the target.
  private func secondsToTarget(_ folder: RunFolder) throws -> Double? {
    let text = try String(contentsOfFile: folder.metrics, encoding: .utf8)
    let decoder = JSONDecoder()
    var seconds = 0.0
    for line in text.split(separator: "\n") where line.contains("\"event\":\"epoch\"") {
      let epoch = try decoder.decode(EpochRecord.self, from: Data(line.utf8))
      seconds += epoch.seconds.total
      if let accuracy = epoch.validationAccuracy, accuracy >= target { return seconds }
    }
    return nil
  }

  // MARK: - Telling

  private func show(_ ladder: ScalingLadder) {
    var table = TextTable([
      ("", .left), ("ranks", .right), ("batch", .right), ("images/s", .right), ("speed-up", .right),
      ("efficiency", .right), ("to \(Numbers.fixed(target, 2)) %", .right), ("compute", .right),
      ("reduction", .right), ("wait", .right), ("update", .right), ("imbalance", .right), ("CPU s", .right),
    ])
    func percent(_ value: Double) -> String { Numbers.fixed(100 * value, 1) + " %" }
    for point in ladder.points where !point.runs.isEmpty {
      let rate = point.spread(\.imagesPerSecond)
      let times = point.runs.compactMap(\.secondsToTarget)
      table.append([
        point.mode.rawValue, "\(point.ranks)\(point.isOversubscribed ? "*" : "")", "\(point.globalBatch)",
        "\(Numbers.grouped(Int(rate.median))) (\(Numbers.grouped(Int(rate.least)))–"
          + "\(Numbers.grouped(Int(rate.most))))",
        ladder.speedUp(of: point).map { Numbers.fixed($0.median, 2) } ?? "",
        ladder.efficiency(of: point).map {
          "\(percent($0.median)) (\(Numbers.fixed(100 * $0.least, 0))–\(Numbers.fixed(100 * $0.most, 0)))"
        } ?? "–",
        times.count == point.runs.count ? "\(Numbers.fixed(Spread(times).median, 2)) s" : "not reached",
        percent(point.spread(\.compute).median), percent(point.spread(\.reduction).median),
        percent(point.spread(\.wait).median), percent(point.spread(\.update).median),
        percent(point.spread(\.imbalance).median),
        Numbers.fixed(point.spread(\.processorSeconds).median, 1),
      ])
    }
    print(table.text)
    if ladder.points.contains(where: \.isOversubscribed) {
      print("* more ranks than cores: not a measure of scaling")
    }
    if ladder.disagreements.isEmpty, ladder.points.contains(where: { $0.mode == .strong }) {
      print("all strong runs ended with the same model")
    }
    print("written: \(out)/scaling.csv, scaling.svg, scaling.json")
    fflush(nil)
  }

  /// Everything so far, so that an experiment that is stopped has not been in vain.
  private func write(_ ladder: ScalingLadder, _ recipe: Recipe) throws {
    func save(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: out + "/" + name), options: .atomic)
    }
    let series = [ScalingPoint.Mode.strong, .weak].compactMap { mode -> ScalingPlot.Series? in
      let points = ladder.points.filter { $0.mode == mode && !$0.runs.isEmpty }
      guard !points.isEmpty else { return nil }
      return ScalingPlot.Series(
        name: mode == .strong ? "strong" : "weak",
        points: points.compactMap { point in
          ladder.speedUp(of: point).map { (point.ranks, $0, point.isOversubscribed) }
        })
    }
    let setting = Setting(recipe: recipe, arguments: words, hostfile: hostfile, repeats: repeats)
    try save(ladder.csv, "scaling.csv")
    try save(
      ScalingPlot(
        title: "Speed-up of recipe \(recipe.name)",
        subtitle: "global batch \(recipe.globalBatch), \(setting.processor), median of \(repeats)",
        series: series
      ).svg, "scaling.svg")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(Record(setting: setting, points: ladder.points))
      .write(to: URL(fileURLWithPath: out + "/scaling.json"), options: .atomic)
  }

  /// What the figures were measured with.
  private struct Setting: Encodable {
    var recipe: Recipe
    var arguments: [String]
    var hostfile: String?
    var repeats: Int
    var host = Reachability.hostName()
    var processor = ProcessorSet.modelName
    var processors = ProcessorSet().allowed
    var cores = ProcessorSet().cores
    var kernel = BLAS.kernelName
    var openBLAS = BLAS.configuration
    var lockstep = Lockstep.configuration.version
  }

  private struct Record: Encodable {
    var setting: Setting
    var points: [ScalingPoint]
  }

  private func note(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep scale: \(line)\n".utf8))
  }
}
