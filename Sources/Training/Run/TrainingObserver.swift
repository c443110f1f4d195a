internal import Model
package import Runs
internal import Tensors

/// What a run tells while it goes on; only the root's observer is told.
package protocol TrainingObserver: AnyObject {
  /// The data is loaded and the first step is about to start.
  func runWillStart(_ start: RunStart)
  /// A step is done.
  func didStep(_ progress: StepProgress)
  /// An epoch is done and evaluated.
  func didFinishEpoch(_ record: EpochRecord, of epochs: Int)
  /// An epoch is done: the parameters that are evaluated, valid as long as the call.
  func didEvaluate(_ parameters: EvaluatedParameters, step: Int)
  /// What was told so far is in the run's folder: a checkpoint is about to be written, or the run to end.
  func didFlush()
  /// Something a user should know, in one sentence.
  func notice(_ sentence: String)
}

extension TrainingObserver {
  package func didEvaluate(_ parameters: EvaluatedParameters, step: Int) {}
  package func didFlush() {}
}

/// A model's parameters, tensor by tensor.
package struct EvaluatedParameters {
  let layout: ParameterLayout
  let values: FloatBuffer

  /// Calls `body` with each tensor's name and its elements.
  package func forEach(_ body: (_ name: String, _ values: Span<Float>) throws -> Void) rethrows {
    for tensor in layout.tensors { try body(tensor.name, values.span.extracting(tensor.range)) }
  }
}

/// What is known when a run starts.
package struct RunStart: Sendable {
  package var recipe: Recipe
  package var dataset: DatasetFacts
  package var ranks: Int
  /// Training samples per epoch, the validation split excluded.
  package var trainCount: Int
  package var parameterCount: Int
  package var folder: String
  package var stepsPerEpoch: Int
  package var totalSteps: Int
  /// 0, or where the run was resumed.
  package var firstStep: Int
  /// `host: cores` of each rank.
  package var bindings: [String]
}

/// What is known after a step.
package struct StepProgress: Sendable {
  package var record: StepRecord
  package var epochs: Int
  package var stepInEpoch: Int
  package var stepsPerEpoch: Int
  package var totalSteps: Int
  /// Training images per second over all ranks, since the epoch began in this process.
  package var imagesPerSecond: Double
}
