import Collectives
import Datasets
import Foundation
import Model
import Runs
import TestSupport
import Testing
import Training

/// Training that runs away ends with 78 wherever it shows, with what led to it on record.
@Suite struct DivergenceTests {
  private func train(
    _ change: (inout Recipe) -> Void
  ) throws -> (errors: [RunError?], history: RunHistory, checkpoints: [String], hasModel: Bool) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lockstep-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var recipe = try #require(Recipe.named("linear"))
    recipe.optimizer = .sgd(SGDSpecification())
    (recipe.schedule, recipe.validation, recipe.epochs) = (.constant, 80, 1)
    change(&recipe)
    let errors = try InProcessWorld(size: 2).run { [recipe] world -> RunError? in
      let options = TrainingOptions(folder: RunFolder(path: folder.path)) {
        Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
      }
      let trainer = try Trainer(communicator: world, options: options, observer: nil) { _ in recipe }
      do {
        _ = try trainer.run()
        return nil
      } catch let error as RunError {
        return error
      }
    }
    let run = RunFolder(path: folder.path)
    let names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints)
    return (errors, try RunHistory(folder: run), names, FileManager.default.fileExists(atPath: run.final))
  }

  /// Losses that are finite still, but whose sum over some samples overflows whole numbers, and losses that are not.
  @Test(arguments: [Float(1e11), 1e20, 1e38])
  func aRateThatIsTooHighEndsInTheStepsWithTheirLossesOnRecord(_ rate: Float) throws {
    let outcome = try train { $0.optimizer.learningRate = rate }
    for error in outcome.errors {
      let error = try #require(error)
      #expect(error.isShared && error.exitCode == 78)
      #expect(error.description.contains("after step 2: training diverged"), "\(error)")
    }
    #expect(outcome.history.steps.map(\.step) == [1, 2])
    #expect(outcome.history.events.map(\.event) == ["start", "diverged"])
    #expect(outcome.history.status == .diverged)
    #expect(outcome.checkpoints.isEmpty && !outcome.hasModel)
  }

  /// After the only step nothing but evaluation looks at the parameters.
  @Test(arguments: [(80, "in validation after step 1"), (0, "on the test set after step 1")])
  func aModelThatIsLostIsNoResult(_ validation: Int, _ place: String) throws {
    let outcome = try train {
      $0.optimizer.learningRate = 1e30
      ($0.steps, $0.validation) = (1, validation)
    }
    for error in outcome.errors {
      #expect(
        error?.exitCode == 78 && error?.description.contains(place) == true, "\(String(describing: error))")
    }
    #expect(outcome.history.events.map(\.event).last == "diverged")
    #expect(!outcome.hasModel && outcome.history.result == nil)
    // What is saved after the only epoch was validated before, where there is something to validate with.
    #expect(outcome.checkpoints.isEmpty || validation == 0)
  }
}
