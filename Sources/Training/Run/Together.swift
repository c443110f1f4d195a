package import Collectives
internal import Dispatch
internal import Runs

/// Runs `body` on every rank and makes its failure everybody's: if it throws anywhere, all ranks throw the
/// error of the lowest such rank. Called by all ranks.
package func together<Value>(
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

/// Has the root do work that waits for a disk, however long that takes, while the others wait for it. Called by all ranks;
/// `work` is nil on all but the root, and so is what they get.
///
/// Every second the root tells the others that it is still there: a slow disk is no reason to give a run up, a rank that
/// is stopped still is. The work is done on another thread meanwhile, and calls no rank.
///
/// - Throws: on the root what `work` throws; the others go on.
@discardableResult
func whileRootWorks<Value>(
  _ communicator: any Communicator, _ work: (() throws -> Value)?
) throws -> Value? {
  guard communicator.worldSize > 1 else { return try work?() }
  guard let work else {
    var isDone = [Int64(0)]
    while isDone[0] == 0 { try communicator.allReduceSum(&isDone) }
    return nil
  }
  let place = WorkPlace(work)
  DispatchQueue.global().async { place.run() }
  while true {
    let isDone = place.isDone.wait(timeout: .now() + 1) == .success
    var flag = [Int64(isDone ? 1 : 0)]
    try communicator.allReduceSum(&flag)
    if isDone { return try place.result?.get() }
  }
}

/// What two threads pass each other: one runs the work, the other looks at the result when `isDone` says so.
private final class WorkPlace<Value>: @unchecked Sendable {
  private let work: () throws -> Value
  let isDone = DispatchSemaphore(value: 0)
  private(set) var result: Result<Value, any Error>?

  init(_ work: @escaping () throws -> Value) {
    self.work = work
  }

  func run() {
    result = Result { try work() }
    isDone.signal()
  }
}
