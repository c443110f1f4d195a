internal import Model
public import Runs
internal import Tensors

/// What a run tells while it goes on; only the root's observer is told.
public protocol TrainingObserver: AnyObject {
  /// The data is loaded and the first step is about to start.
  func runWillStart(_ start: RunStart)
  /// A step is done.
  func didStep(_ progress: StepProgress)
  /// An epoch is done and evaluated.
  func didFinishEpoch(_ record: EpochRecord, of epochs: Int)
  /// An epoch is done: the parameters that are evaluated, valid as long as the call.
  func didEvaluate(_ parameters: EvaluatedParameters, step: Int)
  /// Something a user should know, in one sentence.
  func notice(_ sentence: String)
}

extension TrainingObserver {
  public func didEvaluate(_ parameters: EvaluatedParameters, step: Int) {}
}

/// A model's parameters, tensor by tensor.
public struct EvaluatedParameters {
  let layout: ParameterLayout
  let values: FloatBuffer

  /// Calls `body` with each tensor's name and its elements.
  public func forEach(_ body: (_ name: String, _ values: Span<Float>) throws -> Void) rethrows {
    for tensor in layout.tensors { try body(tensor.name, values.span.extracting(tensor.range)) }
  }
}

/// What is known when a run starts.
public struct RunStart: Sendable {
  public var recipe: Recipe
  public var dataset: DatasetFacts
  public var ranks: Int
  /// Training samples per epoch, the validation split excluded.
  public var trainCount: Int
  public var parameterCount: Int
  public var folder: String
  public var stepsPerEpoch: Int
  public var totalSteps: Int
  /// 0, or where the run was resumed.
  public var firstStep: Int
  /// `host: cores` of each rank.
  public var bindings: [String]
}

/// What is known after a step.
public struct StepProgress: Sendable {
  public var record: StepRecord
  public var epochs: Int
  public var stepInEpoch: Int
  public var stepsPerEpoch: Int
  public var totalSteps: Int
  /// Training images per second over all ranks, since the epoch began in this process.
  public var imagesPerSecond: Double
}
