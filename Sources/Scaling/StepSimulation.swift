internal import Tensors

/// One training step on the ranks of a node, event by event: who computes which micro-batch when, then the
/// reduction and the update. A pure function of its values.
package struct StepSimulation: Hashable, Sendable {
  /// Who computes a step's micro-batches (leaves).
  package enum Deal: String, Sendable, CaseIterable {
    /// Every rank those of its own share; the step waits for the last.
    case equal
    /// Whoever is free: own leaves first, from the front; then, one at a time, from the back of what the rank
    /// with the most leaves left has. Nobody waits while there are leaves (list scheduling, Graham 1966), so a
    /// step ends at most a leaf of the slowest core after what the speeds add up to.
    case taking
  }

  /// What a step comes to.
  package struct Step: Hashable, Sendable {
    /// Seconds of the step, the reduction and the update included.
    package var seconds: Double
    /// Samples of the step over its seconds.
    package var imagesPerSecond: Double
    /// Seconds that each rank computes.
    package var computeSeconds: [Double]
    /// Seconds that each rank waits for the last one before the reduction.
    package var waitingSeconds: [Double]
    /// The leaves that each rank computes.
    package var leaves: [Int]
    /// Leaves that another rank computed than the one whose share they are of.
    package var takenLeaves: Int
  }

  /// Seconds of a leaf on each rank's core.
  package var leafSeconds: [Double]
  /// The leaves of each rank's own share.
  package var shares: [Int]
  /// Samples of a leaf.
  package var samplesPerLeaf: Int
  /// Seconds of the reduction.
  package var reductionSeconds: Double
  /// Seconds of the optimizer.
  package var updateSeconds: Double
  /// How much longer or shorter a leaf may take than its core's usual time, as a part of it: evenly
  /// distributed between both ends, 0..<1.
  package var jitter: Double
  /// What the jitter is a function of, besides the step, the rank and the leaf's place among the rank's.
  package var seed: UInt64

  /// A step of these figures; `leafSeconds` and `shares` have an element for each rank.
  package init(
    leafSeconds: [Double], shares: [Int], samplesPerLeaf: Int = 1, reductionSeconds: Double = 0,
    updateSeconds: Double = 0, jitter: Double = 0, seed: UInt64 = 0
  ) {
    precondition(leafSeconds.count == shares.count, "\(leafSeconds.count) cores, \(shares.count) shares")
    self.leafSeconds = leafSeconds
    self.shares = shares
    self.samplesPerLeaf = samplesPerLeaf
    self.reductionSeconds = reductionSeconds
    self.updateSeconds = updateSeconds
    self.jitter = jitter
    self.seed = seed
  }

  /// A rank that gets free.
  private struct Event: Comparable {
    var time: Double
    var rank: Int
    static func < (a: Event, b: Event) -> Bool { (a.time, a.rank) < (b.time, b.rank) }
  }

  /// How many leaves a rank has left, or had a while ago: the richest comes first, the lower of two alike.
  private struct Stock: Comparable {
    var left: Int
    var rank: Int
    static func < (a: Stock, b: Stock) -> Bool { (b.left, a.rank) < (a.left, b.rank) }
  }

  /// Takes the step. `number` tells one step's jitter from another's.
  package func step(dealing deal: Deal, number: Int = 0) -> Step {
    // A purpose that no run has.
    let noise = shares.indices.map {
      CounterGenerator(seed: seed, for: .test, UInt64(truncatingIfNeeded: number), UInt64($0))
    }
    var left = shares
    var computed = shares.map { _ in 0 }
    var free = shares.map { _ in 0.0 }
    var takenLeaves = 0
    var events = PriorityQueue<Event>()
    for rank in shares.indices { events.insert(Event(time: 0, rank: rank)) }
    // An entry may be out of date: a rank has no more left than its latest one says.
    var richest = PriorityQueue<Stock>()
    for rank in shares.indices { richest.insert(Stock(left: shares[rank], rank: rank)) }

    while let event = events.popFirst() {
      let rank = event.rank
      free[rank] = event.time
      var owner: Int? = left[rank] > 0 ? rank : nil
      if owner == nil, deal == .taking {
        while let stock = richest.first, stock.left != left[stock.rank] {
          _ = richest.popFirst()
          richest.insert(Stock(left: left[stock.rank], rank: stock.rank))
        }
        owner = richest.first.flatMap { $0.left > 0 ? $0.rank : nil }
        if owner != nil { takenLeaves += 1 }
      }
      guard let owner else { continue }
      left[owner] -= 1
      let deviation = jitter * (2 * noise[rank].uniform(at: UInt64(computed[rank])) - 1)
      computed[rank] += 1
      events.insert(Event(time: event.time + leafSeconds[rank] * (1 + deviation), rank: rank))
    }

    let last = free.max() ?? 0
    let seconds = last + reductionSeconds + updateSeconds
    return Step(
      seconds: seconds, imagesPerSecond: Double(shares.reduce(0, +) * samplesPerLeaf) / seconds,
      computeSeconds: free, waitingSeconds: free.map { last - $0 }, leaves: computed,
      takenLeaves: takenLeaves)
  }
}
