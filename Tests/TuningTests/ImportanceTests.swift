import Testing
import Tuning

/// How much of what tells trials apart a parameter explains.
@Suite struct ImportanceTests {
  @Test func allOrNothing() throws {
    let places = (0..<12).map { Double($0) }
    // Groups that follow the order explain nearly all, groups across it nothing, and one group or many tell nothing.
    let explained = try #require(Importance.explained(places, groups: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]))
    #expect(explained > 0.85 && explained < 1)
    #expect(Importance.explained(places, groups: [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0]) == 0)
    #expect(Importance.explained(places, groups: Array(repeating: 0, count: 12)) == nil)
    #expect(Importance.explained(places, groups: Array(0..<12)) == nil)
    #expect(
      Importance.explained([], groups: []) == nil
        && Importance.explained([1, 1, 1], groups: [0, 0, 1]) == nil)
  }

  /// ε² = 1 − (SSW/(n − k)) / (SST/(n − 1)) by hand: means 1.5, 3.5 and within sums 0.5, 0.5 of 5 in all.
  @Test func byHand() throws {
    let explained = try #require(Importance.explained([1, 2, 3, 4], groups: [7, 7, 3, 3]))
    #expect((explained - 0.7).magnitude < 1e-12)
  }
}
