package import Runs
internal import Tensors

/// A fault on purpose, for drills: one rank computes or sends some wrong bits.
package struct BurnInFault: Hashable, Sendable {
  /// The variable that asks for one, as `RANK:SHARE:KIND`, e.g. `2:0.01:random`.
  package static let variable = "LOCKSTEP_BURN_IN_FAULT"

  /// What is wrong.
  package enum Kind: String, Sendable, CaseIterable {
    /// Leaves have a bit flipped, now and then.
    case random
    /// The same leaves have the same bit flipped whenever they are computed.
    case stuck
    /// What is sent has a bit flipped, now and then.
    case wire
  }

  /// The rank that has it.
  package var rank: Int
  /// The share of leaves, or messages, that it hits.
  package var share: Double
  package var kind: Kind

  package init(rank: Int, share: Double, kind: Kind) {
    (self.rank, self.share, self.kind) = (rank, share, kind)
  }

  /// Reads what the variable says; nil for nothing.
  ///
  /// - Throws: `RunError` with exit code 64.
  package init?(environment: [String: String]) throws(RunError) {
    guard let text = environment[Self.variable], !text.isEmpty else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let rank = Int(parts[0]), rank >= 0, let share = Double(parts[1]),
      (0...1).contains(share), let kind = Kind(rawValue: String(parts[2]))
    else {
      throw RunError(
        "\(Self.variable): expected RANK:SHARE:KIND with a share from 0 to 1 and a kind of random, stuck or wire, "
          + "found '\(text)'", exitCode: 64)
    }
    self.init(rank: rank, share: share, kind: kind)
  }

  /// Flips a bit of `values`, or not, as random number `draw` says: the same for the same draw.
  func strike(_ values: FloatBuffer, draw: UInt64) {
    let generator = CounterGenerator(seed: 1, for: .burnIn, draw)
    guard generator.uniform(at: 0) < share else { return }
    let place = values.pointer + generator.below(values.count, at: 1)
    let bit = UInt32(1) << UInt32(generator.below(32, at: 2))
    place.pointee = Float(bitPattern: place.pointee.bitPattern ^ bit)
  }
}
