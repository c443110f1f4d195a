import Foundation
import Testing

/// What `lockstep` says to somebody who does not know it yet.
@Suite struct CommandLineTests {
  private func lockstep(_ words: String...) throws -> Command.Outcome {
    try Command(executable: Command.binary, arguments: words).run()
  }

  @Test func withoutACommandItSaysHowToBegin() throws {
    let outcome = try lockstep()
    #expect(outcome.code == 0 && outcome.errors == "")
    for words in ["lockstep train --run runs/a", "mpirun -n 2 lockstep train", "lockstep help"] {
      #expect(outcome.output.contains(words), "\(outcome.output)")
    }
    #expect(outcome.output.split(separator: "\n").count < 12, "short")
  }

  @Test func helpNamesAllCommandsInGroups() throws {
    let outcome = try lockstep("help")
    #expect(outcome.code == 0)
    for name in ["train", "launch", "evaluate", "serve", "tune", "scale", "doctor", "burn-in"] {
      #expect(outcome.output.contains("\n  \(name) "), "\(outcome.output)")
    }
    #expect(outcome.output.contains("\nTRAINING SUBCOMMANDS:\n"), "\(outcome.output)")
    let train = try lockstep("help", "train")
    #expect(train.code == 0 && train.output.contains("--checkpoint-every"))
  }

  @Test(arguments: [
    (["trian"], "there is no command 'trian'; did you mean 'train'?"),
    (["eval", "--json"], "did you mean 'evaluate'?"), (["version"], "did you mean '--version'?"),
    (["help", "trian"], "did you mean 'train'?"), (["runs/a"], "there is no command 'runs/a'"),
    (["train", "--epoch", "3"], "Unknown option '--epoch'. Did you mean '--epochs'?"),
    (["--ranks", "2"], "Unknown option '--ranks'"),
  ])
  func aSlipIsOneSentence(_ words: [String], _ sentence: String) throws {
    let outcome = try Command(executable: Command.binary, arguments: words).run()
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count <= 3, "\(outcome.errors)")
  }

  @Test func theVersionTellsTheSource() throws {
    let outcome = try lockstep("--version")
    #expect(outcome.code == 0)
    #expect(
      outcome.output.contains(
        /^\d+\.\d+\.\d+ \(([0-9a-f]{7,}( with changes)?, \d{4}-\d\d-\d\d|build [0-9a-f]{12})\)\n$/),
      "\(outcome.output)")
    #expect(try lockstep().output.contains(outcome.output.dropLast()), "the same everywhere")
  }
}
