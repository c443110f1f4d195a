internal import Checkpoints
internal import Collectives
internal import Datasets
internal import Files
internal import Model
internal import Tensors

/// Why a run ended without a model: one sentence and the process's exit code (sysexits.h).
public struct RunError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence: what, where, expected, found.
  public let description: String
  /// 64 wrong usage, 65 malformed data, 66 no data, 69 a peer or a library is unreachable, 70 internal, 73 or 74 a file cannot
  /// be written, 78 a recipe that does not train.
  public let exitCode: Int32
  /// Whether all ranks threw this same error together, so that only the root needs to speak.
  public var isShared = false

  public init(_ description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }

  /// What any error of the parts below means for a run.
  public init(_ error: any Error) {
    switch error {
    case let error as RunError: self = error
    case let error as DatasetError: self.init(error.description, exitCode: error.exitCode)
    case let error as RecipeError: self.init(error.description, exitCode: 64)
    case let error as NetworkSpecificationError: self.init(error.description, exitCode: 64)
    case let error as CommunicatorError: self.init(error.description, exitCode: 69)
    case let error as CheckpointError: self.init(error.description, exitCode: error.exitCode)
    case let error as ProductsError: self.init(error.description, exitCode: error.exitCode)
    case let error as FileError: self.init(error.description, exitCode: error.exitCode)
    default: self.init("\(error)", exitCode: 70)
    }
  }
}

/// Runs `body` on every rank and makes its failure everybody's: if it throws anywhere, all ranks throw the
/// error of the lowest such rank. Called by all ranks.
func together<Value>(
  _ communicator: any Communicator, _ body: () throws -> Value
) throws -> Value {
  let result = Result { try body() }
  var report: [UInt8] = []
  if case .failure(let error) = result {
    let error = RunError(error)
    report = [UInt8(truncatingIfNeeded: error.exitCode)] + Array(error.description.utf8)
  }
  let reports = try communicator.allGather(report)
  guard let rank = reports.firstIndex(where: { !$0.isEmpty }) else { return try result.get() }
  let sentence = String(decoding: reports[rank].dropFirst(), as: UTF8.self)
  let failed = reports.count { !$0.isEmpty }
  let place = failed == communicator.worldSize ? "" : "rank \(rank): "
  var error = RunError(place + sentence, exitCode: Int32(reports[rank][0]))
  error.isShared = true
  throw error
}
