internal import Collectives
internal import Runs

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
  throw RunError.shared(place + sentence, exitCode: Int32(reports[rank][0]))
}
