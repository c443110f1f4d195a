internal import Files
internal import Tensors

/// Brings together the subtrees of all parties, each of which is one rank: itself, or the leader of its node.
///
/// Which algorithm's schedule is quicker depends on the network, the number of parties and the size of the buffer, and
/// makes no other difference: the first steps try both.
final class SubtreeExchange {
  private let communicator: any Communicator
  private let elementCount: Int
  private let format: ElementFormat
  /// The rank that speaks for each party.
  private let parties: [Int]
  /// Which of them this rank is; nil for a rank that lets its leader speak.
  private let index: Int?
  private let result: FloatBuffer
  private var choice: AlgorithmChoice
  private var runners: [RunnerKey: ScheduleRunner] = [:]
  /// The one that ran last, which mostly runs next.
  private var last: (key: RunnerKey, runner: ScheduleRunner)?

  private struct RunnerKey: Hashable {
    var leaves: [Range<Int>]
    var algorithm: ReductionAlgorithm
  }

  /// `result` receives the sum. Without an `algorithm` the quicker one is found by trying.
  init(
    communicator: any Communicator, parties: [Int], elementCount: Int, format: ElementFormat,
    algorithm: ReductionAlgorithm?, result: FloatBuffer
  ) {
    self.communicator = communicator
    self.parties = parties
    self.elementCount = elementCount
    self.format = format
    self.result = result
    index = parties.firstIndex(of: communicator.rank)
    choice = AlgorithmChoice(algorithm, partyCount: parties.count)
  }

  /// Sums the parties' subtrees, of which `subtree` has this one's; `leaves` are those of each party. Called by all ranks,
  /// also those that let their leader speak.
  ///
  /// Appends to `waits` when it waited for others to answer and data to arrive.
  func run(
    tree: ReductionTree, leaves: [Range<Int>], noting waits: inout [WaitInterval],
    subtree: (Int) -> FloatBuffer
  ) throws(CommunicatorError) {
    // Halving knows nobody who has no leaf.
    let canHalve = leaves.allSatisfy { !$0.isEmpty }
    let algorithm = canHalve ? choice.next : .direct
    let start = MonotonicClock.now()
    if let index {
      communicator.willWaitInChains(algorithm == .halving)
      defer { communicator.willWaitInChains(false) }
      try runner(tree, leaves, algorithm, index).run(noting: &waits, subtree: subtree)
    }
    if canHalve { try choice.record(index == nil ? nil : MonotonicClock.now() - start, communicator) }
  }

  private func runner(
    _ tree: ReductionTree, _ leaves: [Range<Int>], _ algorithm: ReductionAlgorithm, _ index: Int
  ) -> ScheduleRunner {
    let key = RunnerKey(leaves: leaves, algorithm: algorithm)
    if let last, last.key == key { return last.runner }
    if let runner = runners[key] {
      last = (key, runner)
      return runner
    }
    let schedule: ReductionSchedule =
      switch algorithm {
      case .direct: .direct(tree: tree, leaves: leaves, party: index, elementCount: elementCount)
      case .halving: .halving(tree: tree, leaves: leaves, party: index, elementCount: elementCount)
      }
    let runner = ScheduleRunner(
      schedule, communicator: communicator, parties: parties, format: format, result: result)
    runners[key] = runner
    last = (key, runner)
    return runner
  }

  /// Lets go of buffers for leaves that no longer are the parties'.
  func forget() {
    runners.removeAll()
    last = nil
  }
}

/// Finds the quicker algorithm by trying each a few times, on all ranks alike.
private struct AlgorithmChoice {
  /// The first try of each allocates its buffers and opens connections.
  private static let triesOfEach = 6

  /// The algorithm of the next reduction.
  private(set) var next: ReductionAlgorithm
  private var isChosen: Bool
  private var tryCount = 0
  /// Seconds of each try, algorithms in turns; none on a rank that only lets its leader try.
  private var tries: [Double] = []

  init(_ algorithm: ReductionAlgorithm?, partyCount: Int) {
    next = algorithm ?? .direct
    // Two parties send each other the same two messages either way.
    isChosen = algorithm != nil || partyCount <= 2
  }

  /// Takes note of how long `next` took, and decides after the last try. Called by all ranks.
  mutating func record(_ seconds: Double?, _ communicator: any Communicator) throws(CommunicatorError) {
    guard !isChosen else { return }
    if let seconds { tries.append(seconds) }
    tryCount += 1
    let algorithms = ReductionAlgorithm.allCases
    guard tryCount == Self.triesOfEach * algorithms.count else {
      next = algorithms[tryCount % algorithms.count]
      return
    }
    // Who arrives last at a reduction waits for nobody: the least of all ranks' times is the reduction's own.
    let times = try communicator.allGather(numbers: tries).filter { !$0.isEmpty }
    let medians = algorithms.indices.map { algorithm in
      let own = stride(from: algorithm + algorithms.count, to: tryCount, by: algorithms.count)
        .map { index in times.map { $0[index] }.min() ?? 0 }
        .sorted()
      return own[own.count / 2]
    }
    next = algorithms[medians.indices.min { medians[$0] < medians[$1] } ?? 0]
    isChosen = true
  }
}
