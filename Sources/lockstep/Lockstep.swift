import ArgumentParser
import Foundation
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
        lockstep train                               recipe quick, one rank
        mpirun -n 2 lockstep train --epochs 4        two ranks, the same model as one would make
        lockstep describe keras                      a network's layers as a table
        lockstep evaluate --model runs/…/final.safetensors
      """,
    version: "0.1.0",
    subcommands: [
      Train.self, Tune.self, Study.self, LaunchJob.self, Watch.self, Doctor.self, SelfTestCommand.self,
      BurnInCommand.self, Verify.self, Diff.self,
      Scale.self,
      ReductionTiming.self, Grade.self, Evaluate.self,
      Predict.self, Read.self, Serve.self, PhotographTools.self,
      Export.self, Import.self, Postal.self, Report.self, Fetch.self, Describe.self, Inspect.self,
    ])

  static func main() {
    RankProcess.start()
    var command: any ParsableCommand
    do {
      try RankProcess.requireReadableWords()
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
}
