import ArgumentParser
import Collectives
import Formatting
import Foundation
import Jobs
import Reports
import Runs
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
        lockstep scale --project 1024 --network 25gbit,10us --ranks-per-node 64 --weak
      Runs the ladder of ranks several times, in turns, each rank bound to a core; what stands behind -- goes to \
      `lockstep train`. Prints a table and writes scaling.csv, scaling.svg and scaling.json. All strong points must end \
      with the same model: exit code 70 if they do not.
      --project measures one rank and the links within this host, and computes the rest: see docs/scaling.md.
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

  @Option(
    help: ArgumentHelp("Instead of a ladder, compute the curve up to so many ranks.", valueName: "ranks"))
  var project: Int?

  @Option(
    help: ArgumentHelp(
      "For --project: rate and latency between nodes, e.g. 25gbit,10us.", valueName: "rate,latency"))
  var network: String?

  @Option(help: "For --project: ranks on each node. Default: this host's cores.")
  var ranksPerNode: Int?

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Arguments of `lockstep train`, behind --.", valueName: "train's arguments"))
  var words: [String] = []

  func validate() throws {
    _ = try rankList()
    if repeats < 1 { throw ValidationError("--repeats must be at least 1, found \(repeats)") }
    if let project {
      guard project > 1 else { throw ValidationError("--project must be at least 2 ranks, found \(project)") }
      guard let network, parseNetwork(network) != nil else {
        throw ValidationError(
          "--project needs --network RATE,LATENCY, e.g. 25gbit,10us"
            + (network.map { ", found '\($0)'" } ?? ""))
      }
      guard !both, !(strong && weak) else {
        throw ValidationError("--project computes one curve: --strong or --weak")
      }
    } else if network != nil || ranksPerNode != nil {
      throw ValidationError("--network and --ranks-per-node belong to --project")
    }
    if let ranksPerNode, ranksPerNode < 1 {
      throw ValidationError("--ranks-per-node must be at least 1, found \(ranksPerNode)")
    }
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
    if RankProcess.isUnderLauncher {
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

    if let project { return try showProjection(to: project, recipe, signals) }

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
    @Option var products: String?
    @Option var reduction: String?
    @Option var reductionAlgorithm: String?
    @Option var verifyEvery: Int?
    @Option var checkpointEvery: Int?
    @Option var keep: Int?
  }

  private func availableSlots() throws -> Int {
    guard let hostfile else { return ProcessorSet().cores }
    let hosts = try Hostfile(path: hostfile)
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

    let call = MPIRun(
      ranks: point.ranks, hostfile: hostfile,
      sharesCores: point.isOversubscribed || (hostfile == nil && !ProcessorSet().isWholeHost),
      options: mpirunOptions.words)
    let command =
      ["train", "--quiet", "--no-report", "--run", folder.path] + words + [
        "--global-batch", "\(point.globalBatch)",
      ]
    let child = try ChildProcess(
      call.words(command), environment: MPIRun.environment, output: .discarded, errors: .file(log))
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

  // MARK: - Projection

  /// Computes a curve from one rank's measured times and the network's figures.
  private func showProjection(to most: Int, _ recipe: Recipe, _ signals: SignalQueue) throws {
    guard let network, let far = parseNetwork(network) else { return }
    let mode = weak ? ScalingPoint.Mode.weak : .strong
    let perNode = ranksPerNode ?? ProcessorSet().cores
    var alone = ScalingPoint(
      mode: mode, ranks: 1, globalBatch: recipe.globalBatch, isOversubscribed: false)
    for round in 0..<repeats {
      note("run \(round + 1) of \(repeats): 1 rank")
      alone.runs.append(try measure(alone, signals))
    }
    note("measuring the links within this host")
    let near = try linkWithinHost(signals)
    let leaves = (recipe.globalBatch + recipe.microBatch - 1) / recipe.microBatch
    let stepSeconds = Double(recipe.globalBatch) / alone.spread(\.imagesPerSecond).median
    let updateSeconds = stepSeconds * alone.spread(\.update).median
    let elements = try recipe.flatElementCount()
    // A message to another node costs the processors what one within the node costs, and the network's latency.
    let model = CostModel(
      within: near,
      between: CostModel.Link(
        latencySeconds: far.latencySeconds, bytesPerSecond: far.bytesPerSecond,
        messageSeconds: max(near.messageSeconds, far.latencySeconds / 20)), ranksPerNode: perNode)

    var table = TextTable([
      ("ranks", .right), ("nodes", .right), ("batch", .right), ("step ms", .right), ("reduction ms", .right),
      ("by", .left), ("images/s", .right), ("efficiency", .right), ("with bfloat16", .right),
    ])
    var points: [(ranks: Int, speedUp: Spread, isOversubscribed: Bool)] = []
    var ranks = 1
    while ranks <= most {
      let growth = mode == .weak ? ranks : 1
      guard leaves * growth >= ranks else { break }
      let cost = StepCost(
        leafSeconds: (stepSeconds - updateSeconds) / Double(leaves), updateSeconds: updateSeconds,
        leafCount: leaves * growth, elementCount: elements)
      let globalBatch = recipe.globalBatch * growth
      let step = cost.step(ranks: ranks, model: model)
      let half = cost.step(ranks: ranks, model: model, bytesPerElement: 2)
      let rate = Double(globalBatch) / step.seconds
      let speedUp = rate * stepSeconds / Double(recipe.globalBatch)
      points.append((ranks, Spread([speedUp]), false))
      func percent(_ seconds: Double) -> String {
        Numbers.fixed(100 * stepSeconds * Double(growth) / seconds / Double(ranks), 1) + " %"
      }
      table.append([
        "\(ranks)", "\((ranks + perNode - 1) / perNode)", Numbers.grouped(globalBatch),
        Numbers.fixed(step.seconds * 1e3, 3), Numbers.fixed(step.reduction * 1e3, 3),
        ranks == 1 ? "" : step.algorithm.rawValue, Numbers.grouped(Int(rate)), percent(step.seconds),
        percent(half.seconds),
      ])
      ranks *= 2
    }
    print(
      "computed, not measured: recipe \(recipe.name), \(mode.rawValue), \(network) between nodes of \(perNode) "
        + "ranks, from \(Numbers.grouped(Int(alone.spread(\.imagesPerSecond).median))) images/s on one rank and "
        + "\(Numbers.fixed(near.latencySeconds * 1e6, 1)) µs, "
        + "\(Numbers.fixed(near.bytesPerSecond * 8 / 1e9, 1)) Gbit/s within this host\n" + table.text)
    if ranks <= most {
      print(
        "more than \(leaves) ranks would have no work: a step has \(leaves) micro-batches of "
          + "\(recipe.microBatch); a larger --global-batch or --weak goes further")
    }
    let plot = ScalingPlot(
      title: "Speed-up of recipe \(recipe.name), computed",
      subtitle: "\(network) between nodes of \(perNode) ranks, global batch \(recipe.globalBatch)"
        + (mode == .weak ? " per rank" : ""),
      series: [.init(name: "\(mode.rawValue), projected", points: points, isProjection: true)])
    try Data(plot.svg.utf8).write(to: URL(fileURLWithPath: out + "/projection.svg"), options: .atomic)
    print("written: \(out)/projection.svg")
    fflush(nil)
  }

  /// The link between two ranks of this host, as `lockstep reduction` measures it.
  private func linkWithinHost(_ signals: SignalQueue) throws -> CostModel.Link {
    let (file, log) = (out + "/links.json", out + "/links.log")
    defer { for path in [file, log] { try? FileManager.default.removeItem(atPath: path) } }
    let child = try ChildProcess(
      [
        "mpirun", "--quiet", "-n", "2", "--oversubscribe", "--bind-to", "none", MPIRun.binary, "reduction",
        "--json",
      ],
      environment: MPIRun.environment, output: .file(file), errors: .file(log))
    guard child.wait() == 0,
      let figures = try? JSONDecoder().decode(
        ReductionTiming.Figures.self, from: Data(contentsOf: URL(fileURLWithPath: file))),
      let link = figures.within
    else { throw RunError("two ranks on this host could not measure the link between them", exitCode: 69) }
    return link
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
    var products = Products.shared.description
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
