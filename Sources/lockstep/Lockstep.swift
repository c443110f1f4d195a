import ArgumentParser
import Formatting
import Foundation
import Jobs
import Tensors

/// The command line. It alone parses, prints and exits.
@main
struct Lockstep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lockstep",
    abstract: "Trains MNIST data-parallel: one model, bit for bit, at any number of ranks.",
    discussion: """
      Examples:
        lockstep fetch                               download MNIST into the cache
        lockstep train --run runs/a                  recipe quick, one rank
        mpirun -n 2 lockstep train --run runs/b      two ranks, the same model
        lockstep evaluate runs/a/final.safetensors
        lockstep describe keras                      a network's layers as a table
      """,
    version: ProgramIdentity.versionAndCommit,
    groupedSubcommands: [
      CommandGroup(
        name: "Training",
        subcommands: [Fetch.self, Describe.self, Train.self, LaunchJob.self, Watch.self, Report.self]),
      CommandGroup(
        name: "Models",
        subcommands: [
          Evaluate.self, Predict.self, Inspect.self, Export.self, Import.self, Postal.self,
        ]),
      CommandGroup(
        name: "Photographs", subcommands: [Read.self, Serve.self, PhotographTools.self]),
      CommandGroup(name: "Recipes", subcommands: [Tune.self, Study.self]),
      CommandGroup(
        name: "Speed", subcommands: [Scale.self, ReductionTiming.self, Grade.self]),
      CommandGroup(
        name: "Trust",
        subcommands: [Doctor.self, SelfTestCommand.self, BurnInCommand.self, Verify.self, Diff.self]),
    ])

  /// What `lockstep` alone says.
  private static let welcome = """
    Lockstep \(ProgramIdentity.versionAndCommit): \(configuration.abstract)

      lockstep fetch                               download MNIST
      lockstep train --run runs/a                  train a model, recipe quick
      mpirun -n 2 lockstep train --run runs/b      the same model from two ranks
      lockstep report runs/a                       a page about it
      lockstep evaluate runs/a/final.safetensors   its accuracy

    All commands: lockstep help. One of them: lockstep help train. Will it work here: lockstep doctor.
    """

  static func main() {
    RankProcess.start()
    var command: any ParsableCommand
    do {
      try RankProcess.requireReadableWords()
      try requireCommand(Array(CommandLine.arguments.dropFirst()))
      command = try parseAsRoot()
    } catch {
      RankProcess.exitParsing(with: error, of: self)
    }
    do {
      try Products.configure(environment: ProcessInfo.processInfo.environment)
      try command.run()
      try Console.requireOutput()
    } catch {
      RankProcess.exit(with: error, of: self)
    }
  }

  /// Sees that the words begin with a command, or with an option.
  ///
  /// - Throws: `CleanExit` with a welcome if there are none, `ValidationError` for a command that there is not.
  private static func requireCommand(_ words: [String]) throws {
    guard let first = words.first else { throw CleanExit.message(welcome) }
    let word = first == "help" && words.count > 1 ? words[1] : first
    let names = configuration.subcommands.map { $0._commandName } + ["help"]
    guard !word.hasPrefix("-"), !names.contains(word) else { return }
    var advice = ""
    if let name = Spelling.nearest(to: word, among: names + ["version"]) {
      advice = "; did you mean '\(name == "version" ? "--version" : name)'?"
    }
    throw ValidationError("there is no command '\(word)'\(advice)")
  }
}
