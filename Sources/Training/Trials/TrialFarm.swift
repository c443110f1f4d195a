package import Collectives
internal import Files
internal import Foundation
package import Runs

/// Trains many trials on the ranks of a world, some of which train one trial together, while others train others.
///
/// The root decides who trains what, between the steps of what it trains itself: messages that wait for nobody (`post`) bring
/// orders and results, so a result is with the root as soon as it is there. Which ranks train a trial changes nothing in
/// what it comes to.
package final class TrialFarm {
  /// A trial to be trained.
  package struct Job: Sendable {
    package var number: Int
    package var recipe: Recipe

    package init(number: Int, recipe: Recipe) {
      self.number = number
      self.recipe = recipe
    }
  }

  /// What the root is told, and asked, while its ranks train.
  package struct Events {
    /// Whether the next trial may begin.
    package var mayBegin: () -> Bool
    /// A trial begins on these ranks.
    package var didBegin: (_ number: Int, _ ranks: [Int]) throws -> Void
    /// A trial is done, after so many seconds on these ranks.
    package var didFinish:
      (_ number: Int, _ result: TrialResult, _ ranks: [Int], _ seconds: Double) throws -> Void

    package init(
      mayBegin: @escaping () -> Bool, didBegin: @escaping (Int, [Int]) throws -> Void,
      didFinish: @escaping (Int, TrialResult, [Int], Double) throws -> Void
    ) {
      self.mayBegin = mayBegin
      self.didBegin = didBegin
      self.didFinish = didFinish
    }
  }

  /// What the ranks say to one another.
  private enum Note: Codable {
    /// To a rank that is free: train this together with those; `tag` is the group's own.
    case train(recipe: String, number: Int, ranks: [Int], tag: Int)
    /// From the first of a group: its trial ended.
    case ended(number: Int, TrialEnd, seconds: Double)
    /// From the first of a group: an error that all of the group met.
    case failed(sentence: String, exitCode: Int32)
    /// From each rank of a group: it is free again.
    case free
    /// Nothing new, but somebody is there.
    case alive
    /// To all: end what is under way, for somebody was asked to stop.
    case stop
    /// To all: there is nothing more to do; with what all end with.
    case close(sentence: String?, exitCode: Int32)
  }

  private let world: any Communicator
  private let data: TrialData
  /// Seconds that a rank may be silent; 0 for ever.
  private let stallTimeout: Double
  /// When each rank was last heard of, and when this one last listened and spoke.
  private var lastHeard: [Double]
  private var lastListened = MonotonicClock.now()
  private var lastSpoken = 0.0

  /// Whether what is under way is to be broken off, and whether this rank trains something.
  private var isStopping = false
  private var isTraining = false

  // On the root alone.
  private var queue: [(job: Job, ranks: Int)] = []
  private var groups: [Int: [Int]] = [:]
  private var free: Set<Int>
  private var events: Events?
  private var nextTag = 1
  /// What the root itself is to train.
  private var ownOrder: (recipe: Recipe, number: Int, ranks: [Int], tag: Int)?

  // On the others alone.
  private var orders: [Note] = []

  /// Called by all ranks.
  package init(over world: any Communicator, data: TrialData, stallTimeout: Int) {
    self.world = world
    self.data = data
    self.stallTimeout = Double(stallTimeout)
    lastHeard = Array(repeating: MonotonicClock.now(), count: world.worldSize)
    free = Set(0..<world.worldSize)
  }

  /// Runs `body` on the root, which has trials trained, while the other ranks train what it says; returns the exit code that
  /// `body` gave, on all ranks. Called by all of them.
  ///
  /// - Throws: on all ranks what `body` throws, as a shared `RunError`; an error that one rank alone met, on that rank: the
  ///   caller must abort the others.
  package func run(_ body: (TrialFarm) throws -> Int32) throws -> Int32 {
    guard world.rank == 0 else { return try work() }
    do {
      let code = try body(self)
      try close(nil, exitCode: code)
      return code
    } catch let error as CommunicatorError {
      throw error
    } catch {
      let error = RunError(error)
      // Those who train with the root wait for it, and cannot be told; nor can one that hangs.
      if isTraining || error.exitCode == StallWatchdog.exitCode { throw error }
      try close(error.description, exitCode: error.exitCode)
      throw RunError.shared(error.description, exitCode: error.exitCode)
    }
  }

  private func close(_ sentence: String?, exitCode: Int32) throws {
    for rank in 1..<max(world.worldSize, 1) {
      try post(.close(sentence: sentence, exitCode: exitCode), to: rank)
    }
  }

  // MARK: - The root

  /// Trains `jobs`, in this order, on as many ranks as `plan` says of each; returns whether all that began came to their
  /// ends, false where a signal asked for a stop. Called by the root alone.
  ///
  /// - Throws: `RunError`, what `events` throw.
  package func train(_ jobs: [Job], plan: [TrialPlan.Assignment], events: Events) throws -> Bool {
    let jobs = Dictionary(uniqueKeysWithValues: jobs.map { ($0.number, $0) })
    queue = plan.compactMap { part in jobs[part.trial].map { ($0, part.ranks) } }
    self.events = events
    defer { self.events = nil }
    while true {
      try listen()
      try dispatch()
      if let order = ownOrder {
        ownOrder = nil
        try obey(recipe: order.recipe, number: order.number, ranks: order.ranks, tag: order.tag)
        continue
      }
      // Ranks of the last group may not have said yet that they are free, and the next trials need them all.
      if queue.isEmpty, groups.isEmpty, free.count == world.worldSize { return !isStopping }
      usleep(500)
    }
  }

  /// Gives trials to ranks that are free.
  private func dispatch() throws {
    if StopSignals.isStopRequested, !isStopping { try stop() }
    while let next = queue.first, free.count >= next.ranks {
      guard events?.mayBegin() ?? false else {
        queue = []
        return
      }
      queue.removeFirst()
      // Neighbours are likely to be of one node.
      let ranks = Array(free.sorted().prefix(next.ranks))
      free.subtract(ranks)
      let tag = nextTag
      // Tags that are long past may come again; every MPI has so many.
      nextTag = nextTag % 30_000 + 1
      groups[next.job.number] = ranks
      try events?.didBegin(next.job.number, ranks)
      for rank in ranks where rank != 0 {
        try post(
          .train(recipe: next.job.recipe.json(), number: next.job.number, ranks: ranks, tag: tag), to: rank)
      }
      if ranks.contains(0) { ownOrder = (next.job.recipe, next.job.number, ranks, tag) }
    }
  }

  private func stop() throws {
    isStopping = true
    queue = []
    for rank in 1..<max(world.worldSize, 1) { try post(.stop, to: rank) }
  }

  private func ended(_ number: Int, _ end: TrialEnd, seconds: Double) throws {
    let ranks = groups.removeValue(forKey: number) ?? []
    switch end {
    case .finished(let result): try events?.didFinish(number, result, ranks, seconds)
    case .stopped: if !isStopping { try stop() }
    }
  }

  // MARK: - The others

  private func work() throws -> Int32 {
    while true {
      try listen()
      guard !orders.isEmpty else {
        usleep(500)
        continue
      }
      switch orders.removeFirst() {
      case .train(let text, let number, let ranks, let tag):
        let recipe = try Recipe.parse(Data(text.utf8), origin: "the root's order")
        try obey(recipe: recipe, number: number, ranks: ranks, tag: tag)
      case .close(let sentence, let exitCode):
        guard let sentence else { return exitCode }
        throw RunError.shared(sentence, exitCode: exitCode)
      default: break
      }
    }
  }

  // MARK: - All

  /// Trains one trial with the ranks of its group.
  private func obey(recipe: Recipe, number: Int, ranks: [Int], tag: Int) throws {
    let start = MonotonicClock.now()
    let isFirst = ranks.first == world.rank
    // Not taken back by an error: others of the group are then left where they are.
    isTraining = true
    let group = try world.subgroup(of: ranks, tag: tag)
    do {
      let end = try Trial.run(
        recipe, on: data, over: group,
        isStopRequested: { [self] in isStopping || StopSignals.isStopRequested },
        pulse: { [self] in
          try listen()
          if world.rank == 0 { try dispatch() }
        })
      if isFirst { try tell(.ended(number: number, end, seconds: MonotonicClock.now() - start)) }
    } catch let error as RunError where error.isShared {
      if isFirst {
        try tell(
          .failed(sentence: "trial \(number): \(error.description)", exitCode: error.exitCode))
      }
    }
    try group.release()
    isTraining = false
    try tell(.free)
  }

  /// Says something to the root, which may be this rank.
  private func tell(_ note: Note) throws {
    guard world.rank == 0 else { return try post(note, to: 0) }
    try hear(note, from: 0)
  }

  private func post(_ note: Note, to rank: Int) throws {
    try world.post(Array(JSONEncoder.ofNotes.encode(note)), to: rank)
  }

  /// Takes what others have said, and says now and then that this rank is there; called often.
  private func listen() throws {
    let now = MonotonicClock.now()
    // A process that was away itself, stopped perhaps with all others, begins to wait anew.
    if now - lastListened > max(stallTimeout / 4, 1) { lastHeard = lastHeard.map { _ in now } }
    lastListened = now
    for (sender, bytes) in try world.collectPosts() {
      lastHeard[sender] = now
      try hear(JSONDecoder.ofNotes.decode(Note.self, from: Data(bytes)), from: sender)
    }
    guard now - lastSpoken > 1 else { return }
    lastSpoken = now
    if world.rank == 0 {
      for rank in 1..<max(world.worldSize, 1) {
        try post(.alive, to: rank)
        try requireAnswer(from: rank, now)
      }
    } else {
      try post(.alive, to: 0)
      try requireAnswer(from: 0, now)
    }
  }

  private func requireAnswer(from rank: Int, _ now: Double) throws {
    guard stallTimeout > 0, now - lastHeard[rank] > stallTimeout else { return }
    throw RunError(
      "no answer from rank \(rank) for \(Int(stallTimeout)) s, so the job ends; --stall-timeout sets how long ranks wait",
      exitCode: StallWatchdog.exitCode)
  }

  private func hear(_ note: Note, from sender: Int) throws {
    switch note {
    case .alive: break
    case .stop: isStopping = true
    case .train: orders.append(note)
    case .close(let sentence, _):
      // What is under way is of no use to anybody any more.
      if sentence != nil { isStopping = true }
      orders.append(note)
    case .free: free.insert(sender)
    case .ended(let number, let end, let seconds): try ended(number, end, seconds: seconds)
    case .failed(let sentence, let exitCode): throw RunError(sentence, exitCode: exitCode)
    }
  }
}

extension JSONEncoder {
  /// Losses may be infinite.
  fileprivate static var ofNotes: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }
}

extension JSONDecoder {
  fileprivate static var ofNotes: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}
