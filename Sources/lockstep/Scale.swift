import ArgumentParser
import Collectives
import Files
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
        lockstep scale --ranks 1,2 --explain -- --global-batch 512
        lockstep scale --ranks 1,2,4,8 --both --hostfile hosts --repeats 5 -- --recipe medium-1024
        lockstep scale --project 1024 --network 25gbit,10us --ranks-per-node 64 --weak
      Runs the ladder of ranks several times, in turns, each rank bound to a core; what follows -- goes to \
      `lockstep train`. Prints a table and writes scaling.csv, scaling.svg and scaling.json. All strong points must end \
      with the same model: exit code 70 if they do not.
      --explain also trains as many copies at once as there are ranks, each alone: what the machine can give. It \
      tells how much of that the ranks reach, what the rest is lost to, and how even steps are.
      --project measures one rank and the links within this host, and computes the rest: see docs/scaling.md; with \
      --core-speeds both for equal shares and for ranks that take micro-batches as they become free.
      """)

  @Option(help: "The numbers of ranks, with commas.")
  var ranks = "1,2"

  @Flag(help: "The same global batch at every number of ranks (default).")
  var strong = false

  @Flag(help: "A global batch that grows with the ranks.")
  var weak = false

  @Flag(help: "Both ladders.")
  var both = false

  @Flag(help: "Measure what the cores can give at once, and tell what efficiency is lost to.")
  var explain = false

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
    help: ArgumentHelp("Instead of a ladder, compute the curve up to this many ranks.", valueName: "ranks"))
  var project: Int?

  @Option(
    help: ArgumentHelp(
      "For --project: rate and latency between nodes, e.g. 25gbit,10us.", valueName: "rate,latency"))
  var network: String?

  @Option(help: "For --project: ranks on each node. Default: this host's cores.")
  var ranksPerNode: Int?

  @Option(
    help: ArgumentHelp(
      "For --project: speeds of a node's cores relative to the one measured, e.g. 1,1,0.55; further ones repeat "
        + "them.", valueName: "speeds"))
  var coreSpeeds: String?

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Arguments of `lockstep train`, behind --.", valueName: "train's arguments"))
  var words: [String] = []

  func validate() throws {
    let counts = try rankList()
    if explain, project != nil { throw ValidationError("--explain measures, --project computes: choose one") }
    if explain, counts[0] != 1 {
      throw ValidationError("--explain compares with one rank: --ranks needs a 1, found '\(ranks)'")
    }
    try requireName(out, "--out")
    try require("--repeats", repeats, in: 1...1_000_000)
    try require("--target", target, in: 0...100, "per cent")
    try require("--project", project, in: 2...65536)
    try require("--ranks-per-node", ranksPerNode, in: 1...65536)
    if project != nil {
      guard let network, CostModel.Link(parsing: network) != nil else {
        throw ValidationError(
          "--project needs --network RATE,LATENCY, e.g. 25gbit,10us"
            + (network.map { ", found '\($0)'" } ?? ""))
      }
      guard !both, !(strong && weak) else {
        throw ValidationError("--project computes one curve: --strong or --weak")
      }
    } else if network != nil || ranksPerNode != nil || coreSpeeds != nil {
      throw ValidationError("--network, --ranks-per-node and --core-speeds belong to --project")
    }
    _ = try nodeCoreSpeeds()
    for word in words where ["--run", "--resume"].contains(where: { word == $0 || word.hasPrefix($0 + "=") })
    {
      throw ValidationError("'\(word)' is scale's own matter: each run gets a folder of its own")
    }
  }

  private func rankList() throws -> [Int] {
    let list = ranks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard list.allSatisfy({ (1...mostRanks).contains($0) }), Set(list).count == list.count else {
      throw ValidationError(
        "--ranks: expected different numbers from 1 to \(mostRanks) with commas, found '\(ranks)'")
    }
    return list.sorted()
  }

  func run() throws {
    if RankProcess.isUnderLauncher {
      throw ValidationError("scale starts mpirun itself: call it without mpirun")
    }
    let recipe = try recipe()
    let processors = ProcessorSet()
    let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    guard let slots = try availableSlots(processors, signals) else { throw ExitCode(130) }
    let lock = try FolderLock.take(out, to: "write results")
    defer { lock.release() }
    try ScalingRecord.requireNoStrangers(in: out)
    let experiment = ScalingExperiment(
      folder: out, arguments: words, hostfile: hostfile, mpirunOptions: mpirunOptions.words, target: target,
      processors: processors
    ) { call, command, log in
      let environment = MPIRun.environment
      let child = try ChildProcess(
        call.words(command, program: MPIRun.program, environment: environment), environment: environment,
        output: .discarded, errors: .file(log))
      guard let code = child.wait(unlessStoppedBy: signals) else {
        note("stopped; what was measured is in \(out)")
        throw ExitCode(130)
      }
      return code
    }
    if let project { return try showProjection(to: project, recipe, experiment) }

    let setting = ScalingRecord.Setting(
      recipe: recipe, arguments: words, hostfile: hostfile, repeats: repeats, processors: processors,
      products: Products.shared.description, version: ProgramIdentity.versionAndCommit)
    let modes: [ScalingPoint.Mode] = both || (weak && strong) ? [.strong, .weak] : weak ? [.weak] : [.strong]
    let ladder = try experiment.run(
      ScalingLadder(modes: modes, counts: try rankList(), globalBatch: recipe.globalBatch, slots: slots),
      repeats: repeats, explaining: explain
    ) { number, count, turn in
      note("run \(number) of \(count): \(turn)")
    } didRun: { ladder in
      // Whoever stops the experiment keeps what was measured so far.
      try ScalingRecord(setting: setting, ladder: ladder).write(to: out)
    }
    show(ladder)
    if explain { showExplanation(ladder) }
    print("written: \(out)/scaling.csv, scaling.svg, scaling.json")
    Console.flush()
    for sentence in ladder.disagreements { note("error: \(sentence)") }
    if !ladder.disagreements.isEmpty { throw ExitCode(70) }
  }

  /// The recipe that train will make of its arguments.
  private func recipe() throws -> Recipe {
    do {
      let recipe = try RecipeArguments.parse(words).recipeOptions.resolve(over: nil)
      try recipe.validateRanges()
      return recipe
    } catch {
      throw ValidationError("behind --: \(RecipeArguments.message(for: error))")
    }
  }

  /// As much of train's command line as a recipe depends on.
  struct RecipeArguments: ParsableArguments {
    @OptionGroup var recipeOptions: RecipeOptions
    @OptionGroup var dataOptions: DataOptions
    @Option var stallTimeout: Int?
    @Option var products: String?
    @Option var reduction: String?
    @Option var reductionPlugin: String?
    @Option var reductionAlgorithm: String?
    @Option var verifyEvery: Int?
    @Option var checkpointEvery: Int?
    @Option var keep: Int?
    @Option var deal: String?
    @Flag var noSharedMemory = false
  }

  /// How many ranks have a core of their own; nil if a signal asked for a stop.
  private func availableSlots(_ processors: ProcessorSet, _ signals: SignalQueue) throws -> Int? {
    guard let hostfile else { return processors.cores }
    return try OpenSlots.count(
      Hostfile(path: hostfile), path: hostfile, options: mpirunOptions.words, environment: MPIRun.environment,
      signals: signals)
  }

  func percent(_ share: Double) -> String { Numbers.fixed(100 * share, 1) + " %" }

  func note(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("lockstep scale: \(line)\n".utf8))
  }
}
