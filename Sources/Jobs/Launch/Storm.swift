internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Failures on purpose, for drills: in each attempt of a job a random rank is killed after about so many seconds.
package struct Storm: Hashable, Sendable {
  /// The variable that tells the ranks of an attempt when which of them is struck.
  package static let variable = "LOCKSTEP_STORM"

  /// About how long an attempt lasts, in seconds.
  package var seconds: Double

  package init(seconds: Double) {
    self.seconds = seconds
  }

  /// What happens to one attempt.
  package struct Strike: Hashable, Sendable {
    /// Where among the ranks it hits, 0..<1.
    package var place: Double
    /// Seconds from a rank's start.
    package var seconds: Double

    package init(place: Double, seconds: Double) {
      (self.place, self.seconds) = (place, seconds)
    }

    /// As `variable` holds it; nil if it is none.
    package init?(_ text: String) {
      let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
      guard numbers.count == 2, let place = numbers[0], let seconds = numbers[1], (0..<1).contains(place),
        (0...1e9).contains(seconds)
      else { return nil }
      self.init(place: place, seconds: seconds)
    }

    package var text: String { "\(place):\(seconds)" }

    /// The rank that is hit.
    package func victim(worldSize: Int) -> Int { min(Int(place * Double(worldSize)), worldSize - 1) }

    /// On the rank that is hit, ends this process in the midst of whatever it does, `seconds` from now.
    package func await(rank: Int, worldSize: Int) {
      guard rank == victim(worldSize: worldSize) else { return }
      Thread.detachNewThread { [seconds] in
        Thread.sleep(forTimeInterval: seconds)
        let sentence = "lockstep: rank \(rank): killed by the storm that launch --storm asks for\n"
        try? FileHandle.standardError.write(contentsOf: Data(sentence.utf8))
        kill(getpid(), SIGKILL)
      }
    }
  }

  /// What happens to the next attempt, after so many in a row that brought no new checkpoint: each of them makes the storm
  /// wait twice as long, so that the job gets on, whatever it takes to its first checkpoint.
  package func strike(
    afterFruitless count: Int, using generator: inout some RandomNumberGenerator
  ) -> Strike {
    let patience = Double(1 << min(count, 20))
    return Strike(
      place: Double.random(in: 0..<1, using: &generator),
      seconds: seconds * patience * Double.random(in: 0.5...1.5, using: &generator))
  }
}

/// What a job went through.
package struct StormDamage: Hashable, Sendable {
  /// Attempts that ended by a rank's being killed.
  package var kills = 0
  package var restarts = 0
  /// From the first start to the end, pauses included.
  package var seconds = 0.0

  package init(kills: Int = 0, restarts: Int = 0, seconds: Double = 0) {
    (self.kills, self.restarts, self.seconds) = (kills, restarts, seconds)
  }
}
