package import Collectives
internal import Files
internal import Foundation
internal import Tensors

/// Tries a reduction plugin on the ranks of a job: whether its sums are right, what it sends, how long it takes.
package struct PluginTrial {
  private let plugin: ReductionPlugin
  private let communicator: any Communicator
  /// Tells of each call when it begins and when it has returned, so that whoever looks on can name a rank that hangs.
  private let note: (PluginEvent) throws -> Void
  private let gradientCount: Int

  /// A trial of `plugin` on the ranks of `communicator`; of the sizes that it tries, `gradientCount` floats is what
  /// training has.
  package init(
    of plugin: ReductionPlugin, over communicator: any Communicator, gradientCount: Int,
    note: @escaping (PluginEvent) throws -> Void
  ) {
    self.plugin = plugin
    self.communicator = communicator
    self.gradientCount = gradientCount
    self.note = note
  }

  /// Floats in front of and behind an array that a plugin must not touch.
  private static let margin = 64
  private static let sentinel = Float(bitPattern: 0x7FC0_1234)

  /// Runs all of it. Called by all ranks, which get the same figures.
  ///
  /// - Throws: `CommunicatorError` if the plugin, or MPI, fails.
  package func run() throws -> PluginFigures {
    var figures = PluginFigures(ranks: communicator.worldSize)
    var findings = Findings()
    for count in counts {
      for kind in [Inputs.Kind.whole, .real] { try check(count, kind, &figures, &findings) }
    }
    figures.faults = findings.sentences
    figures.traffic = try traffic()
    figures.trafficCount = gradientCount
    if communicator.worldSize > 1 {
      let link = try LinkProbe.measure([(from: 0, to: 1)], over: communicator) { 0 }[0]
      figures.link = CostModel.Link(link)
      for count in [1, gradientCount, 300_000] { figures.times.append(try time(count)) }
    }
    return figures
  }

  /// Sizes that plugins get wrong: below, at and above the number of ranks, powers of two and others.
  private var counts: [Int] {
    let ranks = communicator.worldSize
    return Set([1, 2, 3, max(ranks - 1, 1), ranks, ranks + 1, 64, 1000, gradientCount]).sorted()
  }

  // MARK: - Right or wrong

  /// Calls with `count` floats, once with whole numbers, or several times with real ones, and notes what is wrong.
  private func check(
    _ count: Int, _ kind: Inputs.Kind, _ figures: inout PluginFigures, _ findings: inout Findings
  ) throws {
    let (rank, ranks) = (communicator.rank, communicator.worldSize)
    let inputs = (0..<ranks).map { Inputs(kind: kind, rank: $0, count: count).values }
    let place = "of \(count) \(count == 1 ? "float" : "floats")"
    var hashes: [[UInt64]] = []
    for repetition in 0..<(kind == .whole ? 1 : 4) {
      // Ranks come late in turns, so that sums in the order of arrival come out differently.
      if repetition > 0 { Thread.sleep(forTimeInterval: 0.001 * Double((3 * rank + repetition) % ranks)) }
      let (sums, isInside) = try call(inputs[rank])
      let wrong = firstMistake(sums, inputs, kind)
      try communicator.barrier()
      let own: [Double] = [
        Double(bitPattern: FloatBuffer(sums).bitHash()), isInside ? 1 : 0,
        communicator.hasLeftoverOfPlugin ? 1 : 0,
      ]
      let all = try communicator.allGather(
        numbers: own + (wrong.map { [Double($0.element), $0.found, $0.expected] } ?? []))
      hashes.append(all.map { $0[0].bitPattern })
      for (rank, facts) in all.enumerated() {
        if facts.count > 3 {
          findings.add(
            .wrong,
            "the sum \(place) is wrong on rank \(rank): element \(Int(facts[3])) is \(facts[4]), expected \(facts[5])"
              + (kind == .real ? " to within \(ranks - 1) roundings" : ""))
        }
        if facts[1] == 0 { findings.add(.outside, "rank \(rank) writes outside the array \(place)") }
        if facts[2] != 0 {
          findings.add(
            .leftover, "rank \(rank) leaves a message unreceived in a sum \(place): a later call would get it"
          )
        }
      }
      if repetition == 0, kind == .real, count == 1000 { figures.order = SumOrder(of: sums, from: inputs) }
    }
    if let odd = hashes.lazy.compactMap({ row in row.firstIndex { $0 != row[0] } }).first {
      figures.agreesAcrossRanks = false
      findings.add(
        .disagreement,
        "the sum \(place) has other bits on rank \(odd) than on rank 0: the ranks would train different models"
      )
    }
    if hashes.contains(where: { $0 != hashes[0] }) { figures.agreesOnRepetition = false }
  }

  /// Calls the plugin with a copy of `values`: the sums, and whether nothing beside them was touched.
  private func call(_ values: [Float]) throws -> (sums: [Float], isInside: Bool) {
    let margin = [Float](repeating: Self.sentinel, count: Self.margin)
    let memory = FloatBuffer(margin + values + margin)
    let array = FloatBuffer(memory.pointer + Self.margin, count: values.count, owner: memory)
    try sum(array)
    let isInside = [0..<Self.margin, Self.margin + values.count..<memory.count].allSatisfy { range in
      range.allSatisfy { memory.elements[$0].bitPattern == Self.sentinel.bitPattern }
    }
    return (Array(array.elements), isInside)
  }

  /// One call, noted.
  private func sum(_ array: FloatBuffer) throws {
    try note(.entering(count: array.count))
    var values = array.mutableSpan
    try communicator.allReduceSum(&values, by: plugin)
    try note(.returned)
  }

  /// The first element that is not what it must be: whole numbers are added exactly in any order, real ones with at most
  /// γ = (n − 1)·u / (1 − (n − 1)·u) times the sum of their magnitudes of error (Higham 2002, "Accuracy and Stability of
  /// Numerical Algorithms", §4.2), u = 2⁻²⁴.
  private func firstMistake(
    _ sums: [Float], _ inputs: [[Float]], _ kind: Inputs.Kind
  ) -> (element: Int, found: Double, expected: Double)? {
    let roundings = Double(inputs.count - 1) * 0x1p-24
    let gamma = kind == .whole ? 0 : roundings / (1 - roundings)
    for element in sums.indices {
      let (expected, magnitude) = inputs.reduce((0.0, 0.0)) { total, values in
        (total.0 + Double(values[element]), total.1 + Double(values[element].magnitude))
      }
      let found = Double(sums[element])
      // Also where it is not a number.
      guard (found - expected).magnitude <= gamma * magnitude else { return (element, found, expected) }
    }
    return nil
  }

  /// What ranks add up: the same on each machine.
  private struct Inputs {
    enum Kind: UInt64 {
      /// Up to a thousand.
      case whole
      /// Of magnitudes that lie twelve powers of two apart.
      case real
    }
    var values: [Float]

    init(kind: Kind, rank: Int, count: Int) {
      let draws = CounterGenerator(seed: kind.rawValue, for: .test, UInt64(rank), UInt64(count))
      values = (0..<count).map { element in
        let index = UInt64(2 * element)
        switch kind {
        case .whole: return Float(draws.below(2001, at: index) - 1000)
        case .real:
          let scale = Double(1 << draws.below(13, at: index + 1))
          return Float((2 * draws.uniform(at: index) - 1) * scale)
        }
      }
    }
  }

  /// The first finding of each kind.
  private struct Findings {
    enum Kind: Int { case wrong, outside, disagreement, leftover }
    private var found: [Kind: String] = [:]

    mutating func add(_ kind: Kind, _ sentence: @autoclosure () -> String) {
      if found[kind] == nil { found[kind] = sentence() }
    }

    var sentences: [String] { found.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value) }
  }

  // MARK: - Traffic and time

  /// What each rank sends in one call.
  private func traffic() throws -> [PluginTraffic] {
    let values = FloatBuffer(count: gradientCount)
    let before = PluginTraffic.current
    try sum(values)
    let own = PluginTraffic.current - before
    return try communicator.allGather(Array(JSONEncoder().encode(own))).map {
      try JSONDecoder().decode(PluginTraffic.self, from: Data($0))
    }
  }

  /// Seconds that the calls of a size should take in all.
  private static let timingSeconds = 0.2

  private func time(_ count: Int) throws -> PluginFigures.Time {
    let values = FloatBuffer(count: count)
    func once(_ body: (inout MutableSpan<Float>) throws -> Void) throws -> Double {
      values.clear()
      try note(.entering(count: count))
      try communicator.barrier()
      var span = values.mutableSpan
      let start = MonotonicClock.now()
      try body(&span)
      let seconds = MonotonicClock.now() - start
      try note(.returned)
      return try communicator.allGather(numbers: [seconds]).map { $0[0] }.max() ?? 0
    }
    func median(_ body: (inout MutableSpan<Float>) throws -> Void) throws -> Double {
      // The first finds connections that are not made yet.
      _ = try once(body)
      let first = try once(body)
      let repeats = min(max(Int(Self.timingSeconds / max(first, 1e-6)), 4), 50)
      return Spread(try [first] + (1..<repeats).map { _ in try once(body) }).median
    }
    let own = try median { try communicator.allReduceSum(&$0, by: plugin) }
    let native = try median { try communicator.allReduceSum(&$0) }
    return PluginFigures.Time(count: count, seconds: own, nativeSeconds: native)
  }
}

/// What a rank of a plugin's trial does.
package enum PluginEvent: Hashable, Sendable {
  /// The plugin is called with so many floats.
  case entering(count: Int)
  /// It has returned.
  case returned

  /// As a line of a log.
  package var line: String {
    switch self {
    case .entering(let count): "entering \(count)"
    case .returned: "returned"
    }
  }

  /// Reads a line.
  package init?(line: some StringProtocol) {
    let words = line.split(separator: " ")
    switch words.first {
    case "entering":
      guard words.count == 2, let count = Int(words[1]) else { return nil }
      self = .entering(count: count)
    case "returned": self = .returned
    default: return nil
    }
  }
}
