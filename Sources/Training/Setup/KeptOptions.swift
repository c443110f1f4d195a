package import Collectives
internal import Datasets
internal import Foundation
package import Runs

/// The options of a run that goes on or begins, from those that were given now and those that its folder keeps, which the
/// root reads; and which of them come from there. Called by all ranks.
///
/// - Throws: a shared `RunError` if the folder's cannot be read.
package func keptOptions(
  _ given: RunOptions, of folder: RunFolder, isResumed: Bool, over communicator: any Communicator
) throws -> (all: RunOptions, inherited: RunOptions) {
  let own = try together(communicator) { () -> RunOptions? in
    guard communicator.rank == 0, isResumed, var own = try folder.readOptions() else { return nil }
    // On another machine the samples may lie elsewhere, in one of the usual places.
    if let data = own.data, !DatasetSource.isPresent(data) { own.data = nil }
    return own
  }
  let texts = try communicator.allGather(Array(JSONEncoder().encode(own ?? RunOptions())))
  let before = try JSONDecoder().decode(RunOptions.self, from: Data(texts[0]))
  return (given.filled(from: before), given.gaps(filledFrom: before))
}
