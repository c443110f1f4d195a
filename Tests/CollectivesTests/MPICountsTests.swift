import Collectives
import Testing

/// Counts that C ints do not reach.
@Suite struct MPICountsTests {
  @Test func piecesCoverEverythingOnce() {
    for (count, limit) in [(0, 4), (1, 4), (4, 4), (5, 4), (3_840_000_017, 1 << 30)] {
      let pieces = MPICounts.pieces(of: count, atMost: limit)
      #expect(pieces.reduce(0) { $0 + $1.count } == count)
      #expect(pieces.allSatisfy { 1...limit ~= $0.count })
      #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    }
    #expect(MPICounts.pieces(of: 3_840_000_017).allSatisfy { $0.count <= Int32.max })
  }

  /// Ranks whose lists are small count bytes; those with large ones whatever divides all.
  @Test func theUnitDividesEveryCount() {
    #expect(MPICounts.unit(for: [[785, 0], [1570, 785]]) == 1)
    let large = [[785 * 3_000_000, 0], [785 * 1_500_000, 785 * 7]]
    #expect(MPICounts.unit(for: large) == 785)
    #expect(MPICounts.unit(for: [[6, 9], [0, 0]], limit: 10) == 3)
    #expect(MPICounts.unit(for: [[0, 0], [0]], limit: -1) == 1)
  }

  /// A lost peer is worth another start, an MPI that does not start is not.
  @Test func failedCallsAreNotFailedStarts() {
    #expect(CommunicatorError(call: "MPI_Waitsome", code: 16, reason: "other").exitCode == 76)
    #expect(CommunicatorError(call: "MPI_Init_thread", code: 16, reason: "other").exitCode == 69)
    #expect(CommunicatorError(call: "MPI_Alltoallv", reason: "too many").exitCode == 69)
  }
}
