import ArgumentParser
import Collectives
import Datasets
import Foundation
import Jobs
import RunReports
import Runs
import Tensors
import Training

/// `lockstep train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a network, alone or as the ranks of an mpirun.",
    discussion: """
      Examples:
        lockstep train
        mpirun -n 4 lockstep train --recipe keras --epochs 5 --run runs/keras
        lockstep train --network 'conv 8x5 stride 2; relu; dense 10' --optimizer sgd --learning-rate 0.1
        lockstep train --run runs/keras --resume
        lockstep train --from runs/keras/final.safetensors --learning-rate 0.0001 --epochs 1
      Signals: SIGUSR1, SIGTERM, SIGINT, SIGXCPU and, unless under nohup, SIGHUP save and stop with exit code 75; \
      SIGUSR2 saves and goes on.
      """)

  @OptionGroup var recipeOptions: RecipeOptions
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var productOptions: ProductOptions

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "The run's folder.",
      discussion:
        "Default: runs/<recipe>-<date>, a new one; <recipe>-changed where flags make it another recipe.",
      valueName: "folder")
  )
  var runFolder: String?

  @Option(
    defaultAsFlag: "",
    help: ArgumentHelp(
      "Go on from the newest valid checkpoint in the run's folder, or from a file.",
      discussion: """
        The run keeps its recipe and its \(Self.keptNames), unless they are given anew; other options \
        are this start's alone.
        """, valueName: "file"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Begin with the weights of a model: fine-tuning, with a fresh optimizer, from step 0.",
      discussion: "Without --recipe its own recipe is used, with its network.", valueName: "model"))
  var from: String?

  @Option(
    help: "Save a checkpoint every N steps, besides those at the ends of epochs; 0 for these alone.")
  var checkpointEvery: Int?

  @Option(
    help: ArgumentHelp(
      "How many of the newest checkpoints to keep, besides the best by validation.",
      discussion: "Default: \(TrainingOptions.defaultCheckpointsKept)."))
  var keep: Int?

  @Option(
    help: ArgumentHelp(
      "Compare the ranks' parameters every N steps.",
      discussion: "Default: \(TrainingOptions.defaultVerifyEvery)."))
  var verifyEvery: Int?

  @Option(
    help: ArgumentHelp(
      "End the job when a rank has waited for others for this many seconds; 0 to wait for ever.",
      valueName: "seconds"))
  var stallTimeout = StallWatchdog.defaultSeconds

  @Option(
    help: ArgumentHelp(
      "How gradients are added up: reproducible or native.",
      discussion: """
        Default: reproducible. native is plain MPI_Allreduce, for comparison: its bits depend on the number of ranks.
        """))
  var reduction: ReductionKind?

  @Option(
    help: ArgumentHelp(
      "Have the ranks' gradients added up by a shared library of your own, in place of MPI_Allreduce.",
      discussion: "As lockstep_reduction.h in docs/course describes it; its bits are up to you.",
      valueName: "library.so"))
  var reductionPlugin: String?

  @Option(
    help: ArgumentHelp(
      "How the reproducible reduction is carried out: auto, direct or halving.",
      discussion: "All give the same bits. auto tries both in the first steps and keeps the faster one."))
  var reductionAlgorithm = AlgorithmOption.auto

  @Option(
    help: ArgumentHelp(
      "How micro-batches are assigned to ranks: speed or equal.",
      discussion: """
        All give the same bits. speed: ranks of a node take them as they become free, and nodes get shares in \
        proportion to their speeds. equal: every rank gets the same share, for comparison.
        """))
  var deal = DealPolicy.speed

  @Flag(help: "Let ranks of a node exchange messages instead of sharing memory. The same bits.")
  var noSharedMemory = false

  @Option(
    help: ArgumentHelp(
      "Write what all ranks did when, in Chrome's trace format.", discussion: "ui.perfetto.dev opens it.",
      valueName: "file"))
  var trace: String?

  @Flag(
    help: """
      Go on where ranks, or a checkpoint and this run, have products of different bits: the model then depends on \
      who computes what.
      """)
  var mixedProducts = false

  @Flag(help: "Go on where ranks run different builds of this program, made from the same sources.")
  var mixedBuilds = false

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Write events for TensorBoard into the run's folder: scalars, weights, mistakes.",
      discussion: "Default: no."))
  var tensorboard: Bool?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Write report.html and plots into the run's folder at the end.", discussion: "Default: yes."))
  var report: Bool?

  @Flag(name: .shortAndLong, help: "Print each rank's host and cores.")
  var verbose = false

  @Flag(help: "Print where the root's training steps spent their time, by phase and layer.")
  var profile = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors and the last lines.")
  var quiet = false

  /// What `scale --explain` calls.
  @Option(
    help: ArgumentHelp(
      "Train on each rank alone, all at once, and write their figures into a folder.", valueName: "folder",
      visibility: .hidden))
  var copies: String?

  func validate() throws {
    try require("--checkpoint-every", checkpointEvery, in: 0...Int.max)
    try require("--keep", keep, in: 1...Int.max)
    try require("--verify-every", verifyEvery, in: 1...Int.max)
    try require("--stall-timeout", Double(stallTimeout), in: 0...86400, "seconds")
    try requireName(runFolder, "--run")
    try requireName(trace, "--trace")
    try requireName(from, "--from")
    try requireName(reductionPlugin, "--reduction-plugin")
    try requireLauncher(forPlugin: reductionPlugin)
    if resume == "", runFolder == nil {
      throw ValidationError("--resume without a file needs --run, the folder whose checkpoints to look at")
    }
  }

  /// The options that hold for the whole run, in words.
  private static let keptNames = """
    --checkpoint-every, --keep, --verify-every, --reduction, --reduction-plugin, --tensorboard, --report and --data \
    (options.json)
    """

  private func requireLauncher(forPlugin plugin: String?) throws {
    guard plugin != nil, !RankProcess.isUnderLauncher else { return }
    throw ValidationError(
      "--reduction-plugin needs MPI: start it under mpirun, as in mpirun -n 2 lockstep train --reduction-plugin ring.so"
    )
  }

  mutating func run() throws {
    try productOptions.choose()
    StopSignals.install()
    // A reader that went away (`| head`) is no reason to stop training: the run's folder holds everything.
    signal(SIGPIPE, SIG_IGN)
    if let copies { return try trainCopies(into: copies) }
    let communicator = try RankProcess.world(
      stallTimeout: stallTimeout, sameArguments: false, sameBuild: !mixedBuilds)
    ProcessInfo.processInfo.environment[Storm.variable].flatMap { Storm.Strike($0) }?
      .await(rank: communicator.rank, worldSize: communicator.worldSize)
    let folder = try self.folder(communicator)
    let kept = try keptOptions(
      givenOptions, of: folder, isResumed: resume != nil, over: communicator)
    try requireLauncher(forPlugin: kept.all.reductionPlugin)
    var options = try trainingOptions(folder: folder, kept: kept.all)
    let fault = try ProcessInfo.processInfo.environment[GradientFault.variable].map { try GradientFault($0) }
    if fault?.rank == communicator.rank { options.fault = fault }

    let console = TrainingConsole(
      detail: quiet ? .quiet : verbose ? .verbose : .normal, terminal: Terminal.current,
      inherited: kept.inherited.words)
    let events =
      kept.all.tensorboard ?? false ? TensorBoardObserver(console: console, folder: options.folder) : nil
    let recipeOptions = recipeOptions
    let trainer = try Trainer(communicator: communicator, options: options, observer: events ?? console) {
      try recipeOptions.resolve(over: $0)
    }
    switch try trainer.run() {
    case .finished(let result):
      // The others need not wait for what the root writes about the run.
      RankProcess.leave()
      if communicator.rank == 0 {
        if profile { console.show(trainer.profile) }
        console.show(result, folder: options.folder)
        writeReport(options, console)
      }
      RankProcess.finish(code: 0)
    case .wasFinished(let result):
      if let result { console.showFinished(result, folder: options.folder) }
      RankProcess.finish(code: 0)
    case .stopped(let step):
      if communicator.rank == 0 { console.showStop(step: step, folder: options.folder) }
      RankProcess.finish(code: 75)
    }
  }

  /// Has what is left to say of a finished run written, in a process of its own. That it fails is no failure of the run.
  private func writeReport(_ training: TrainingOptions, _ console: TrainingConsole) {
    let (kept, folder) = (training.kept, training.folder)
    let (hasEvents, hasPage) = (kept.tensorboard ?? false, kept.report ?? true)
    guard hasEvents || hasPage else { return }
    let options =
      (kept.data.map { ["--data", $0] } ?? []) + ["--products", productOptions.products.rawValue]
      + (hasEvents ? ["--tensorboard"] : []) + (hasPage ? [] : ["--no-page"])
    let report = ReportProcess(folder: folder.path, options: options)
    let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    let what = hasPage ? "no report" : "the run's end is not in its TensorBoard events"
    switch report.run(environment: ProcessInfo.processInfo.environment, signals: signals) {
    case .written: if hasPage { console.showReport(at: folder.path + "/report.html") }
    case .stopped: console.notice("\(what): stopped; the run is complete")
    case .failed(let reason): console.notice("\(what): \(reason); the run is complete")
    }
  }

  /// Those of the options that hold for the whole run, as they were given.
  var givenOptions: RunOptions {
    let here = FileManager.default.currentDirectoryPath
    var options = RunOptions()
    options.checkpointEvery = checkpointEvery
    options.keep = keep
    options.verifyEvery = verifyEvery
    options.tensorboard = tensorboard
    options.report = report
    options.reduction = reduction?.rawValue
    options.reductionPlugin = reductionPlugin.map { $0.hasPrefix("/") ? $0 : here + "/" + $0 }
    options.data = dataOptions.data.map { DatasetSource.lasting($0, workingDirectory: here) }
    return options
  }

  /// How a run that is written into `folder` is carried out, with these options for its whole length.
  ///
  /// - Throws: `RunError` with exit code 65 if `kept` names no reduction.
  func trainingOptions(folder: RunFolder, kept: RunOptions) throws -> TrainingOptions {
    var data = dataOptions
    data.data = data.data ?? kept.data
    var options = TrainingOptions(folder: folder, openDataset: data.open)
    try options.keep(kept)
    // Errors speak of paths as they were given.
    options.reductionPlugin = reductionPlugin ?? options.reductionPlugin
    options.algorithm = reductionAlgorithm.algorithm
    options.deal = deal
    options.sharesMemory = !noSharedMemory
    options.allowsMixedProducts = mixedProducts
    options.resume = resume.map { $0.isEmpty ? .newest : .file($0) } ?? .none
    options.initialModel = from
    options.processStart = RankProcess.startTime
    options.isProfiling = profile
    options.trace = trace
    options.command = CommandLine.arguments
    options.version = ProgramIdentity.versionAndCommit
    return options
  }

  /// The run's folder, the same on all ranks that were given none: only the root looks at the clock and at the folder.
  private func folder(_ communicator: any Communicator) throws -> RunFolder {
    let given = try communicator.allGather(Array((runFolder ?? "").utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    // Ranks that were given different folders, or some of them none, are told so when options are compared.
    if given.contains(where: { !$0.isEmpty }) { return RunFolder(path: runFolder ?? "a new folder") }
    let file = resume.flatMap { $0.isEmpty ? nil : $0 } ?? from
    return try newRunFolder(
      from: file, recipeFile: recipeOptions.file, over: communicator, resolve: recipeOptions.resolve(over:))
  }
}

extension ReductionKind: ExpressibleByArgument {}

extension DealPolicy: ExpressibleByArgument {}

/// What `--reduction-algorithm` takes.
enum AlgorithmOption: String, ExpressibleByArgument, CaseIterable {
  case auto
  case direct
  case halving

  /// nil for the quicker one.
  var algorithm: ReductionAlgorithm? { ReductionAlgorithm(rawValue: rawValue) }
}
